// A bike's whole story in words: its rides, bills, reports and complaints, what operators did and why, and what was
// said of it.
import { ask, askMaybe } from '../shared/api.js';
import { wordOf } from '../shared/rental.js';
import { lasting, place, t, won } from '../shared/text.js';
import { endsOf } from './ends.js';

export const MOST = 200; // of each kind
export const KINDS = ['all', 'rides', 'bills', 'reports', 'deeds', 'events'];
const NONE = { _embedded: {}, page: { totalElements: 0 } };

// All that is known of a bike: { bike, rent, holds, lines, ends, cut }.
export async function readStory(bikeid) {
  const of = `bikeid=${bikeid}&size=${MOST}`;
  const [bike, open, rides, reports, complaints, events, holds, deeds] = await Promise.all([
    ask('GET', `/bikes/${bikeid}`),
    ask('GET', `/rents?bikeid=${bikeid}&status=rented`),
    ask('GET', `/rentAndBillingViews?${of}`),
    ask('GET', `/bikeManageApps?${of}&sort=reportid,desc`),
    ask('GET', `/complaints?${of}`),
    ask('GET', `/bikes/${bikeid}/events?size=${MOST}`),
    askMaybe(`/bikes/${bikeid}/holds`, NONE),
    askMaybe(`/audit/bike?subject=bike:${bikeid}&size=${MOST}`, NONE),
  ]);
  const rent = open._embedded.rents.find((one) => one.bikeid === Number(bikeid)) ?? null;
  const done = (deeds._embedded.deeds ?? []).filter(({ subject }) => subject === `bike:${bikeid}`);
  const said = events._embedded.events;
  const isOnRecord = (type) => done.some(({ action }) => action === type);
  const isTold = ({ type, facts }) =>
    facts.act !== undefined || (type === 'RegisteredBike' && isOnRecord('bike registered'));
  const lines = [
    ...rides._embedded.rentAndBillingViews.flatMap(ofRide),
    ...reports._embedded.bikeManageApps.map(ofReport),
    ...complaints._embedded.complaints.map(ofComplaint),
    ...done.map(ofDeed),
    ...said.map((event) => ({ ...ofEvent(event), isTold: done.length > 0 && isTold(event) })),
  ];
  lines.sort((a, b) => (b.at ?? '').localeCompare(a.at ?? '') || b.rank - a.rank);
  const cut = [rides, reports, complaints, events, deeds].some(({ page }) => page.totalElements > MOST);
  return { bike, rent, holds: holds._embedded.holds ?? [], lines, ends: endsOf(said), cut };
}

function ofRide({ rentid, userid, billid, fee, billingStatus, rentStarttime: start, rentEndTime: end }) {
  const by = { text: t('riderNo', userid), href: `#/rider/${userid}` };
  const ride = { text: t('rideNo', rentid), href: `#/ride/${rentid}` };
  const lasted = end && start && lasting(Date.parse(end) - Date.parse(start));
  const paid = [fee === null ? '' : won(fee), t(billingStatus === 'CLOSEBILL' ? 'settled' : 'settling')];
  const began = { id: `b${rentid}`, kind: 'rides', icon: 'person', at: start, rank: 1, text: t('rideBegan', rentid) };
  const over = { id: `e${rentid}`, kind: 'rides', icon: 'check', at: end, rank: 2, text: t('rideEnded', rentid) };
  const bill = { id: `m${billid}`, kind: 'bills', icon: 'wallet', at: end, rank: 3, text: t('billNo', billid) };
  return [
    start && { ...began, by, of: ride },
    end && { ...over, more: lasted, by, of: ride },
    billid && end && { ...bill, more: paid.filter(Boolean).join(' · '), by },
  ].filter(Boolean);
}

function ofReport({ reportid, managerid, batterylevel, usableyn, at }) {
  const more = [t('battery', batterylevel), usableyn === null ? null : t(usableyn ? 'usable' : 'unusable')];
  const by = { text: t('managerNo', managerid), href: `#/manager/${managerid}` };
  const report = { id: `r${reportid}`, kind: 'reports', icon: 'wrench', at, rank: 1, text: t('reportNo', reportid) };
  return { ...report, more: more.filter(Boolean).join(' · '), by };
}

function ofComplaint({ complaintid, userid, kind, words, takenout, at }) {
  const more = said([t(`complaint_${kind}`) ?? kind, words && `“${words}”`, takenout && t('tookOut')]);
  const by = { text: t('riderNo', userid), href: `#/rider/${userid}` };
  const complaint = { id: `c${complaintid}`, kind: 'reports', icon: 'wrench', at, rank: 1, more, by };
  return { ...complaint, text: t('complaintNo', complaintid) };
}

// What is on record of an act: who, why, and what is otherwise since.
function ofDeed({ number, at, who, action, before, after }) {
  const { reason, holder, due, batterylevel, status } = after;
  const isOther = (name) => after[name] !== undefined && after[name] !== before[name];
  const more = [
    reason && t('because', reason),
    holder && holder !== 'staff' && t('heldBy', holder),
    isOther('due') && due && t('dueOn', due),
    isOther('status') && !holder && status && t(wordOf(status)),
    isOther('batterylevel') && Number.isInteger(batterylevel) && t('battery', batterylevel),
  ];
  const isAccount = /^[1-9][0-9]*$/.test(who);
  const by = isAccount ? { text: t('byAccount', who), href: `#/rider/${who}` } : { text: t(`who_${who}`) ?? who };
  const text = t(`deed_${action.replaceAll(' ', '_')}`) ?? action;
  return { id: `d${number}`, kind: 'deeds', icon: 'person', at, rank: 4, text, more: said(more), by };
}

const TYPES = { RegisteredBike: 'registered', ChkAndUpdatedStatus: 'ridden', UpdatedBikeState: 'reported' };

function ofEvent({ eventid, type, at, facts }) {
  const { rentid, status, location, batterylevel, act } = facts;
  const word = TYPES[type] ?? (type === 'UpdatedBike' ? act || 'returned' : null);
  const more = [
    word && type,
    rentid && t('rideNo', rentid),
    status && t(wordOf(status)),
    location && place(location),
    Number.isInteger(batterylevel) && t('battery', batterylevel),
  ];
  const event = { id: `v${eventid}`, kind: 'events', icon: 'bolt', at, rank: 0 };
  return { ...event, text: (word && t(`event_${word}`)) ?? type, more: said(more) };
}

const said = (parts) => parts.filter(Boolean).join(' · ');

// How somebody's hold is told: since when, until when.
export const spanOf = ({ since, due }) =>
  [since && t('sinceDay', since), due && t(Date.parse(due) < Date.now() ? 'pastDue' : 'dueOn', due)]
    .filter(Boolean)
    .join(' · ');
