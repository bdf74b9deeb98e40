// The field staff's reports wait in a line and are sent one after the other, in the order of the taps and whichever page is open.
import { goneOut, said } from './actions.js';
import { keep, kept, set, state } from './store.js';
import { t } from './text.js';
import { sent, waiting, written } from './taps.js';

const MOST = 200; // waiting at once
const TOLD = 20; // refusals that nobody has read yet
let sending = false;

export const queued = () => waiting().filter(({ kind }) => kind === 'report');

// Answers the tap's key, or null where too many wait already.
export function report(body) {
  if (queued().length >= MOST) {
    set({ notice: { tone: 'bad', text: t('tooManyWait', MOST) } });
    return null;
  }
  const { key } = written('report', 'POST', '/bikeManageApps', body);
  set({ outcomes: { ...state.outcomes, [key]: null } });
  sendReports();
  return key;
}

export async function sendReports() {
  if (sending) return;
  sending = true;
  for (let [tap] = queued(); tap; [tap] = queued()) {
    try {
      await sent(tap);
      set({ held: null, outcomes: { ...state.outcomes, [tap.key]: true } });
    } catch (failed) {
      if (failed.status === 401) {
        goneOut();
        break;
      }
      refused(tap, failed);
    }
  }
  sending = false;
  set({ held: null });
}

function refused({ key, body, userid }, { type, status, facts }) {
  const one = { key, body, userid, why: { type, status, facts: facts && { detail: facts.detail } } };
  keep('refused', [...kept('refused', []), one].slice(-TOLD));
  set({ outcomes: { ...state.outcomes, [key]: one } });
}

// What came of reports that nobody was there to see.
export const refusals = () => kept('refused', []).filter(({ userid }) => userid === state.who?.userid);

export const saidOf = ({ why, body }) => said(why, 'report', { body });

export function read(one) {
  keep('refused', kept('refused', []).filter(({ key }) => key !== one.key));
  set({});
}
