// A tap is sent once, whatever happens. It is written down with its Idempotency-Key before it is sent and crossed out
// when it is answered, so that after a reload, a restart of the server or a spell without a line the same key is sent.
import { ask, NoAnswer, newKey } from '../shared/api.js';
import { known, now } from '../shared/clock.js';
import { goneOut, said } from '../shared/session.js';
import { keep, kept, OF_TAB, set, state } from '../shared/state.js';
import { t } from '../shared/text.js';

const RENT_FOR_MS = 120_000; // nobody wants a bike that they asked for longer ago than this
const KEYS_FOR_MS = 23 * 3600_000; // the services keep answers for a day
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const QUEUED = ['report', 'complaint']; // what was seen at a bike, sent one after the other while other things are done
const UNKNOWN = ['answer-lost', 'idempotency-key-in-flight', 'internal', 'internal-error'];
const TAB = kept('tab', null, OF_TAB) ?? newKey(); // of this tab, also after a reload
const flying = new Map();
const untried = new Set(); // keys that this page made and has not sent yet

export class GivenUp extends Error {
  type = 'given-up';
}

// Somebody else is in by now, or nobody: it is kept for whoever made it.
export class Waits extends Error {}

const isTheirs = ({ userid }) =>
  userid === state.who?.userid && (state.mode === 'demo' || userid === kept('session')?.userid);

export const isQueued = ({ kind }) => QUEUED.includes(kind);

export const waiting = () => kept('taps', []).filter((tap) => tap.userid === state.who?.userid);

// `measure` answers what is measured at the tap and sent along. It takes a moment, so the tap is written down first.
// Who sends it later, after a reload, sends what was measured then or nothing.
export async function tapped(kind, method, path, body, measure = null) {
  const tap = written(kind, method, path, body);
  if (measure && untried.has(tap.key)) {
    Object.assign(tap.body, await measure());
    keep(
      'taps',
      kept('taps', []).map((other) => (other.key === tap.key ? tap : other)),
    );
  }
  return sent(tap);
}

// One rent, return, top-up or conversion at a time; of what is queued many may wait, but each only once.
export function written(kind, method, path, body) {
  const alike = (tap) => tap.kind === kind && (!isQueued(tap) || JSON.stringify(tap.body) === JSON.stringify(body));
  const same = waiting().find(alike);
  if (same) return same;
  const tap = { kind, method, path, body, key: newKey(), at: Date.now(), userid: state.who.userid, tab: TAB };
  if (kind === 'return' && known()) tap.tappedat = new Date(now()).toISOString();
  keep('taps', [...kept('taps', []), tap]);
  untried.add(tap.key);
  return tap;
}

// A return that was not answered at once says when it was tapped, by the server's clock: the ride ends there. So it is
// another request and has a key of its own; whichever of the two comes first is the return.
const late = ({ body, key, tappedat }) =>
  tappedat ? { body: { ...body, tappedat }, key: `${key}-late` } : { body, key };

export function sent(tap) {
  if (!flying.has(tap.key))
    flying.set(
      tap.key,
      deliver(tap).finally(() => flying.delete(tap.key)),
    );
  return flying.get(tap.key);
}

async function deliver(tap) {
  for (let tries = 0; ; tries += 1) {
    if (!isTheirs(tap)) throw new Waits();
    if (Date.now() - tap.at > (tap.kind === 'rent' ? RENT_FOR_MS : KEYS_FOR_MS)) {
      if (tap.kind !== 'report') crossOut(tap);
      throw new GivenUp();
    }
    let pause = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)];
    try {
      const asked = untried.delete(tap.key) ? { body: tap.body, key: tap.key } : late(tap);
      const answer = await ask(tap.method, tap.path, asked);
      crossOut(tap);
      return answer;
    } catch (failed) {
      if (failed.status === 401) throw failed; // kept: it is sent when they are signed in again
      if (isQueued(tap) && notNow(failed)) {
        pause = (failed.retryAfterS ?? 2) * 1000;
        set({ heldUntil: Date.now() + pause });
      } else if (!(failed instanceof NoAnswer) && !UNKNOWN.includes(failed.type) && !silent(failed)) {
        crossOut(tap);
        throw failed;
      }
    }
    await until(pause);
  }
}

// What was seen at a bike stays true, so it waits where a wish to rent is given back to the rider.
const notNow = ({ status }) => status === 503 || status === 429;

// An answer that comes from something in between and not from a service says nothing about what was done.
const silent = (failed) => failed.status >= 500 && !failed.facts?.type;

function crossOut(tap) {
  keep(
    'taps',
    kept('taps', []).filter((other) => other.key !== tap.key),
  );
}

const SOONER = ['online', 'left'];

function until(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const sooner of SOONER) removeEventListener(sooner, done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const sooner of SOONER) addEventListener(sooner, done);
  });
}

// A tab holds its lock as long as it is open: what it wrote down is its own to send. What a closed tab left is
// anybody's, and so is everything where a browser has no locks (a page that came without TLS).
keep('tab', TAB, OF_TAB);
navigator.locks?.request(`gbike.tab.${TAB}`, () => new Promise(() => {}));

export async function ours(tap) {
  if (tap.tab === TAB || !navigator.locks) return true;
  const { held } = await navigator.locks.query();
  return held.every(({ name }) => name !== `gbike.tab.${tap.tab}`);
}

// Reports and complaints are sent one after the other, in the order of the taps and whichever page is open.
const MOST = 200; // waiting at once
const TOLD = 20; // refusals that nobody has read yet
let sending = false;

export const queued = () => waiting().filter(({ kind }) => kind === 'report');

// It waited too long to be sent by itself. It is kept until whoever made it says what becomes of it.
export const isLate = ({ why }) => why.type === 'given-up';

// Answer the tap's key, or null where too many wait already.
export const report = (body) => queue('report', '/bikeManageApps', body);
export const complain = (body) => queue('complaint', '/complaints', body);

function queue(kind, path, body) {
  if (waiting().filter(isQueued).length + refusals().filter(isLate).length >= MOST) {
    set({ notice: { tone: 'bad', text: t('tooManyWait', MOST) } });
    return null;
  }
  return inLine(kind, path, body);
}

export function anew(one) {
  read(one);
  return inLine('report', '/bikeManageApps', one.body);
}

function inLine(kind, path, body) {
  const { key } = written(kind, 'POST', path, body);
  set({ outcomes: { ...state.outcomes, [key]: null } });
  sendQueued();
  return key;
}

export async function sendQueued() {
  if (sending) return;
  sending = true;
  for (let tap = waiting().find(isQueued); tap; tap = waiting().find(isQueued)) {
    try {
      const done = await sent(tap);
      set({ heldUntil: null, outcomes: { ...state.outcomes, [tap.key]: { done } } });
    } catch (failed) {
      if (failed instanceof Waits) break;
      if (failed.status === 401) {
        goneOut();
        break;
      }
      refused(tap, failed);
    }
  }
  sending = false;
  set({ heldUntil: null });
}

function refused(tap, { type, status, facts }) {
  const { kind, key, body, userid, at } = tap;
  const one = { kind, key, body, userid, at, why: { type, status, facts } };
  if (kind === 'report') {
    const others = kept('refused', []).filter((other) => other.key !== key); // another tab may have been told, too
    const all = [...others, one];
    const old = all.filter((some) => !isLate(some)).slice(0, -TOLD);
    keep(
      'refused',
      all.filter((some) => !old.includes(some)),
    );
  } else set({ notice: saidOf(one) });
  crossOut(tap);
  set({ outcomes: { ...state.outcomes, [key]: one } });
}

// What came of reports that nobody was there to see. A complaint's rider is told at once, whichever page is open.
export const refusals = () => kept('refused', []).filter(({ userid }) => userid === state.who?.userid);

export const saidOf = ({ kind = 'report', why, body }) => said(why, kind, { body });

export function read(one) {
  keep(
    'refused',
    kept('refused', []).filter(({ key }) => key !== one.key),
  );
  set({});
}
