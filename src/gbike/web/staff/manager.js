// Who reports here, and what is known of their work: points, reports, what those earn.
import { ask } from '../shared/api.js';
import { keep, kept, set, state } from '../shared/state.js';

const FIRST_MANAGER = 1001; // of the small fleet that the demo begins with
const MOST = 1000; // one page of a collection
const FEW = 10; // of what riders said of a bike
const DAY_MS = 24 * 3600_000;

// In the demo a number that one types; else the account's, kept for a spell without a line.
async function number() {
  const { mode, who } = state;
  if (mode === 'demo') return kept('manager', FIRST_MANAGER);
  const known = kept('staff');
  if (known?.userid === who.userid) return known.managerid;
  const { managerid } = await ask('GET', `/accounts/${who.userid}`);
  if (managerid) keep('staff', { userid: who.userid, managerid });
  return managerid;
}

// Answers what went wrong. A manager whom nobody registered has no points yet, but may report.
export async function readManager() {
  try {
    const managerid = await number();
    if (!managerid) set({ manager: {} });
    else if (state.manager?.managerid !== managerid) set({ manager: { managerid } });
    if (managerid) set({ manager: await ask('GET', `/bikeManagers/${managerid}`) });
    return null;
  } catch (failed) {
    if (failed.type === 'manager-unknown') set({ manager: { ...state.manager, point: 0 } });
    return failed.type === 'manager-unknown' ? null : failed;
  }
}

export function be(managerid) {
  keep('manager', managerid);
  set({ manager: { managerid } });
  readManager();
}

// The newest reports of a manager, or of a bike. In the demo everybody's are answered.
export async function readReports({ managerid = null, bikeid = null }) {
  const about = bikeid ? `&bikeid=${bikeid}` : '';
  const { _embedded } = await ask('GET', `/bikeManageApps?size=${MOST}&sort=reportid,desc${about}`);
  const fits = (one) => (bikeid ? String(one.bikeid) === bikeid : one.managerid === managerid);
  return _embedded.bikeManageApps.filter(fits);
}

// What riders said of a bike, newest first.
export async function readComplaints(bikeid) {
  const { _embedded } = await ask('GET', `/complaints?bikeid=${bikeid}&size=${FEW}`);
  return _embedded.complaints;
}

export async function readEntries(managerid, size) {
  const { _embedded, page } = await ask('GET', `/bikeManagers/${managerid}/entries?size=${size}`);
  return { entries: _embedded.entries, total: page.totalElements };
}

// What reports earn, and what these earned within a day of `nowMs`.
export const readEarning = () => ask('GET', '/bikeManageApps/earning');

export const earnedLately = (reports, nowMs) =>
  reports.filter(({ at }) => at && nowMs - Date.parse(at) < DAY_MS).reduce((sum, { points }) => sum + points, 0);
