// What a rider does, and what the pages then know. What is shown after a tap is read from the services, never guessed.
import { ask, NoAnswer, plain, Problem, signedIn, signedOut } from './api.js';
import { keep, kept, set, state } from './store.js';
import { sendReports } from './reports.js';
import { ours, sent, tapped, waiting } from './taps.js';
import { t, won } from './text.js';

const FIRST_RIDER = 1001; // of the small fleet that the demo begins with
const MOST = 1000; // one page of a collection
const NEAREST = 300; // bikes to choose from where we know what is near; the others are only counted
const FREE = '사용가능';

export async function begin() {
  try {
    set({ mode: (await ask('GET', '/', { anybody: true })).mode ?? 'secure' });
    keep('mode', state.mode);
  } catch {
    set({ mode: kept('mode') });
  }
  const session = kept('session');
  if (state.mode === 'demo') set({ who: { userid: kept('rider', FIRST_RIDER), roles: ['admin'] } });
  else if (session) set({ who: { userid: session.userid, roles: session.roles } });
}

export const go = (hash) => {
  location.hash = hash;
};

const quietly = async (work) => {
  try {
    await work();
  } catch (failed) {
    if (failed instanceof Problem && failed.status === 401) goneOut();
    return failed;
  }
  return null;
};

export function readBikes() {
  return quietly(async () => {
    const { here } = state;
    const near = here ? `size=${NEAREST}&near=${here.lat.toFixed(5)},${here.lon.toFixed(5)}` : `size=${MOST}`;
    const { _embedded, page } = await ask('GET', `/bikes?status=${encodeURIComponent(FREE)}&${near}`);
    set({ bikes: _embedded.bikes, free: page.totalElements });
  });
}

export const readTariff = () => quietly(async () => set({ tariff: await ask('GET', '/billings/tariff') }));

export function readOpen() {
  return quietly(async () => {
    const userid = state.who?.userid;
    const { _embedded } = await ask('GET', `/rents?status=rented&size=${MOST}&sort=rentid,desc`);
    if (userid === state.who?.userid) set({ open: _embedded.rents.filter((rent) => rent.userid === userid) });
  });
}

export async function refresh() {
  if (state.mode === null) await begin();
  if (!state.who) return;
  await Promise.all([readOpen(), state.tariff ? null : readTariff()]);
}

// Sends what a reload, a restart or a spell without a line left unanswered; not what another open tab sends, whose answer
// would lead away from what is looked at here.
export async function resume() {
  sendReports();
  const tap = waiting().find(({ kind }) => kind !== 'report');
  if (!tap || !(await ours(tap))) return;
  if (waiting().some(({ key }) => key === tap.key)) followed(tap.kind, () => sent(tap), tap);
}

export const rentBike = (bikeid) => {
  const body = { userid: state.who.userid, bikeid };
  return followed('rent', () => tapped('rent', 'POST', '/rents', body), { body });
};

export const giveBack = (rentid, where) =>
  followed('return', () => tapped('return', 'PATCH', `/rents/${rentid}`, where), { path: `/rents/${rentid}` });

export const topUp = (amount) =>
  followed('topUp', () => tapped('topUp', 'POST', `/userDeposits/${state.who.userid}/payments`, { amount }), { body: { amount } });

export const pay = ({ paymentid, userid, amount }) =>
  followed('pay', () => tapped('pay', 'POST', `/userDeposits/${userid}/payments/${paymentid}/testPayment`), { body: { amount } });

// With the points that should be left: where those are not what the staff member saw, nothing is converted.
export const convert = ({ managerid, point }, adjustpoint) => {
  const body = { adjustpoint, point: point - adjustpoint };
  return followed('convert', () => tapped('convert', 'PUT', `/bikeManagers/${managerid}`, body), { body });
};

async function followed(kind, work, tap) {
  if (state.busy) return;
  set({ busy: { kind }, notice: null });
  try {
    DONE[kind](await work(), tap);
  } catch (failed) {
    set({ notice: said(failed, kind, tap) });
    if (failed.status === 401) goneOut();
  } finally {
    set({ busy: null });
  }
  readOpen();
}

const DONE = {
  rent: (rent) => {
    set({ open: [rent, ...(state.open ?? []).filter((other) => other.rentid !== rent.rentid)] });
    set({ notice: { tone: 'good', text: t('begun') } });
    go('#/ride');
  },
  return: (rent) => {
    set({ open: (state.open ?? []).filter((other) => other.rentid !== rent.rentid) });
    go(`#/rides/${rent.rentid}/done`);
  },
  topUp: ({ payAt }) => location.assign(payAt),
  pay: ({ amount }) => {
    set({ notice: { tone: 'good', text: t('toppedUp', won(amount)) } });
    go('#/rides');
  },
  convert: (manager, tap) => {
    set({ manager, notice: { tone: 'good', text: t('converted', won(tap.body.adjustpoint)) } });
  },
};

const others = () => ({ text: t('others'), href: '#/' });

// Every refusal in plain words, with a way on.
export function said(failed, kind, tap = {}) {
  const bad = (text, way) => ({ tone: 'bad', text, way });
  if (failed.type === 'given-up') return bad(t(kind === 'rent' ? 'gaveUpRent' : 'gaveUp'));
  if (failed instanceof NoAnswer) return { tone: 'warn', text: t('offline') };
  const { type, status, facts, retryAfterS } = failed;
  if (type === 'bike-unavailable') return bad(t(facts?.bikestatus === '불량' ? 'brokenSay' : 'takenSay'), others());
  if (type === 'bike-unknown') return bad(t('unknownBike', tap.body?.bikeid ?? ''), { text: t('recheck'), href: kind === 'report' ? '#/staff/number' : '#/number' });
  if (type === 'points-differ' || type === 'not-enough-points') return bad(t('pointsDiffer', facts?.balance ?? 0));
  if (type === 'too-many-open-rents') return bad(t('tooMany'), { text: t('toRide'), href: '#/ride' });
  if (type === 'rider-blocked' && facts.missing_krw > 0) return bad(t('payInFirst', won(facts.missing_krw)), { text: t('topUp'), href: '#/topup' });
  if (type === 'rider-blocked') return bad(facts.reasons?.includes('erased') ? t('deleted') : facts.detail);
  if (type === 'clock-behind') return { ...bad(t('paused')), until: after(retryAfterS ?? 30) };
  if (type === 'payments-off') return bad(t('noTopUp'));
  if (type === 'too-many-sign-ups') return { ...bad(t('tooManySignUps')), until: after(retryAfterS ?? 5) };
  if (type === 'too-many-tries') return { ...bad(t('tooManyTries')), until: after(retryAfterS ?? 5) };
  if (type === 'sign-in-busy') return { ...bad(t('signInBusy')), until: after(retryAfterS ?? 1) };
  if (type === 'contact-refused') return bad(t('badContact'));
  if (type === 'weak-password') return bad(t('weak'));
  if (status === 401) return bad(t('ended'), { text: t('signIn'), href: '#/signin' });
  if (status === 403) return bad(t('notAllowed'));
  if (status === 429) return { ...bad(t('tooOften')), until: after(retryAfterS ?? 5) };
  if (status === 503) return { ...bad(t(kind === 'rent' ? 'busy' : 'sorry')), until: after(retryAfterS ?? 2) };
  return bad(failed.facts?.detail ?? t('sorry'));
}

const after = (s) => Date.now() + s * 1000;

export async function signIn(contact, password, code) {
  signedIn(await plain('/sessions', { contact, password, ...(code ? { code } : {}) }));
  set({ notice: null });
  go('#/');
  await refresh();
  resume();
}

export const signUp = (name, contact, password) => plain('/accounts', { name, contact, password });

export async function signOut() {
  const session = kept('session');
  signedOut();
  if (session) await plain('/sessions/end', { refresh_token: session.refresh_token }, session.access_token).catch(() => {});
}

export function ride(userid) {
  keep('rider', userid);
  set({ who: { userid, roles: ['admin'] }, open: null });
  return readOpen();
}

export function goneOut() {
  if (state.mode !== 'secure') return;
  if (state.who) signedOut({ tone: 'bad', text: t('ended') });
}
