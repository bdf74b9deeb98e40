// Who uses the pages, and every refusal in plain words.
import { ask, left, NoAnswer, plain, signedOut } from './api.js';
import { BROKEN } from './rental.js';
import { keep, kept, OF_TAB, set, state } from './state.js';
import { moment, t, won } from './text.js';

const FIRST_RIDER = 1001; // of the small fleet that the demo begins with

export async function begin() {
  // As it was last time, until somebody answers.
  if (state.mode === null) be(kept('mode'));
  const answered = await ask('GET', '/', { anybody: true }).catch(() => null);
  if (!answered) return;
  keep('mode', answered.mode ?? 'secure');
  be(kept('mode'));
}

function be(mode) {
  const session = mode === 'demo' ? { userid: kept('rider', FIRST_RIDER), roles: ['admin'] } : kept('session');
  set({ mode, who: mode && session ? { userid: session.userid, roles: session.roles } : null });
}

// Whoever signs in next goes their own way.
export async function signOut() {
  const session = kept('session');
  for (const name of ['going', 'complaint']) keep(name, null, OF_TAB);
  location.hash = '#/signin';
  signedOut();
  const asked = session && plain('/sessions/end', { refresh_token: session.refresh_token }, session.access_token);
  await asked?.catch(() => {});
}

// Another tab went out, or came in: nothing of who was here stays in this one.
export function follow() {
  const session = kept('session');
  if (state.mode !== 'secure' || session?.userid === state.who?.userid) return;
  if (!session) left();
  else if (state.who) location.reload();
  else be(state.mode);
}

export function goneOut() {
  if (state.mode === 'secure' && state.who) signedOut({ tone: 'bad', text: t('ended'), ended: true });
}

const others = () => ({ text: t('others'), href: '#/' });
const topUp = () => ({ text: t('topUp'), href: '#/topup' });
const recheck = (kind) => ({ text: t('recheck'), href: kind === 'report' ? '#/staff/number' : '#/number' });

const unavailable = ({ why, bikestatus }) =>
  why === 'battery' ? 'lowSay' : bikestatus === BROKEN ? 'brokenSay' : 'takenSay';

// By the problem's type: the words, a way on, and for how many seconds to wait where the server did not say.
const REFUSALS = {
  'given-up': ({ kind }) => [t(kind === 'rent' ? 'gaveUpRent' : 'gaveUp')],
  'bike-unavailable': ({ facts }) => [t(unavailable(facts)), others()],
  'bike-unknown': ({ kind, body }) => [t('unknownBike', body?.bikeid ?? ''), recheck(kind)],
  'points-differ': ({ facts }) => [t('pointsDiffer', facts?.balance ?? 0)],
  'not-enough-points': ({ facts }) => [t('pointsDiffer', facts?.balance ?? 0)],
  'too-many-open-rents': () => [t('tooMany'), { text: t('toRide'), href: '#/ride' }],
  'rider-blocked': ({ facts: { reasons, until, missing_krw: missing } }) =>
    reasons?.includes('staff')
      ? [until ? t('haltedUntil', moment(until)) : t('halted'), { text: t('haltedWhy'), href: '#/rides' }]
      : missing > 0
        ? [t('payInFirst', won(missing)), topUp()]
        : [t(reasons?.includes('erased') ? 'deleted' : 'notAllowed')],
  'clock-behind': () => [t('paused'), null, 30],
  'payments-off': () => [t('noTopUp')],
  'too-many-tries': () => [t('tooManyTries'), null, 5],
  'sign-in-busy': () => [t('signInBusy'), null, 1],
  'contact-refused': () => [t('badContact')],
  'weak-password': () => [t('weak')],
  400: () => [t('notFit')],
  401: () => [t('ended'), { text: t('signIn'), href: '#/signin' }],
  403: () => [t('notAllowed')],
  404: () => [t('notThere')],
  409: () => [t('notNow')],
  422: () => [t('notFit')],
  429: () => [t('tooOften'), null, 5],
  503: ({ kind }) => [t(kind === 'rent' ? 'busy' : 'sorry'), null, 2],
};

// What only some pages meet, or mean otherwise: they bring the words, `refused_label_taken: ({ label }) => …`.
const broughtFor = (type, facts) => t(`refused_${type}`.replaceAll('-', '_'), facts ?? {});

// What a service says of itself (`detail`) is for programs: people read it in the page's own words.
/** @param {{ body?: any }} tap */
export function said(failed, kind, tap = {}) {
  if (failed instanceof NoAnswer) return { tone: 'warn', text: t('offline') };
  const { type, status, facts, retryAfterS } = failed;
  const brought = broughtFor(type, facts);
  const words = REFUSALS[type] ?? REFUSALS[status] ?? (() => [t('sorry')]);
  const [text, way, waitS] = words({ kind, body: tap.body, facts });
  const until = waitS && Date.now() + (retryAfterS ?? waitS) * 1000;
  return { tone: 'bad', text: brought ?? text, way: brought ? null : way, until };
}
