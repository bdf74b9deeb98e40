// Who uses the pages: signing in and up, and every refusal in plain words.
import { ask, NoAnswer, plain, signedIn, signedOut } from './api.js';
import { given, html, useSend, useState } from './lib.js';
import { Big, Field, Notice, Page } from './parts.js';
import { BROKEN } from './rental.js';
import { announce, keep, kept, set, state } from './state.js';
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

export async function signIn(contact, password, code) {
  signedIn(await plain('/sessions', { contact, password, ...(code ? { code } : {}) }));
  set({ notice: null });
  location.hash = '#/';
}

export const signUp = (name, contact, password) => plain('/accounts', { name, contact, password });

export async function signOut() {
  const session = kept('session');
  signedOut();
  const asked = session && plain('/sessions/end', { refresh_token: session.refresh_token }, session.access_token);
  await asked?.catch(() => {});
}

export function goneOut() {
  if (state.mode === 'secure' && state.who) signedOut({ tone: 'bad', text: t('ended') });
}

const others = () => ({ text: t('others'), href: '#/' });
const topUp = () => ({ text: t('topUp'), href: '#/topup' });
const recheck = (kind) => ({ text: t('recheck'), href: kind === 'report' ? '#/staff/number' : '#/number' });

// By the problem's type: the words, a way on, and for how many seconds to wait where the server did not say.
const REFUSALS = {
  'given-up': ({ kind }) => [t(kind === 'rent' ? 'gaveUpRent' : 'gaveUp')],
  'bike-unavailable': ({ facts }) => [t(facts?.bikestatus === BROKEN ? 'brokenSay' : 'takenSay'), others()],
  'bike-unknown': ({ kind, body }) => [t('unknownBike', body?.bikeid ?? ''), recheck(kind)],
  'points-differ': ({ facts }) => [t('pointsDiffer', facts?.balance ?? 0)],
  'not-enough-points': ({ facts }) => [t('pointsDiffer', facts?.balance ?? 0)],
  'too-many-open-rents': () => [t('tooMany'), { text: t('toRide'), href: '#/ride' }],
  'rider-blocked': ({ facts: { reasons, until, missing_krw: missing, detail } }) =>
    reasons?.includes('staff')
      ? [until ? t('haltedUntil', moment(until)) : t('halted'), { text: t('haltedWhy'), href: '#/rides' }]
      : missing > 0
        ? [t('payInFirst', won(missing)), topUp()]
        : [reasons?.includes('erased') ? t('deleted') : detail],
  'clock-behind': () => [t('paused'), null, 30],
  'payments-off': () => [t('noTopUp')],
  'too-many-sign-ups': () => [t('tooManySignUps'), null, 5],
  'too-many-tries': () => [t('tooManyTries'), null, 5],
  'sign-in-busy': () => [t('signInBusy'), null, 1],
  'contact-refused': () => [t('badContact')],
  'weak-password': () => [t('weak')],
  401: () => [t('ended'), { text: t('signIn'), href: '#/signin' }],
  403: () => [t('notAllowed')],
  429: () => [t('tooOften'), null, 5],
  503: ({ kind }) => [t(kind === 'rent' ? 'busy' : 'sorry'), null, 2],
};

/** @param {{ body?: any }} tap */
export function said(failed, kind, tap = {}) {
  if (failed instanceof NoAnswer) return { tone: 'warn', text: t('offline') };
  const { type, status, facts, retryAfterS } = failed;
  const words = REFUSALS[type] ?? REFUSALS[status] ?? (() => [facts?.detail ?? t('sorry')]);
  const [text, way, waitS] = words({ kind, body: tap.body, facts });
  return { tone: 'bad', text, way, until: waitS && Date.now() + (retryAfterS ?? waitS) * 1000 };
}

// `then` is done when they are in.
export function SignInPage({ then }) {
  const [code, setCode] = useState(false);
  const work = async (event) => {
    const { contact, password, code: six } = given(event);
    try {
      await signIn(contact.trim(), password, six?.trim());
    } catch (failed) {
      if (failed.type !== 'code-needed') throw failed;
      return setCode(true);
    }
    await then?.();
  };
  const wrong = ({ type, status }) => type === 'sign-in-refused' || status === 422;
  const say = (failed) => (wrong(failed) ? { tone: 'bad', text: t('wrong') } : said(failed, 'signIn'));
  const { busy, refusal, send } = useSend(work, say);
  const digits = { autocomplete: 'one-time-code', autocapitalize: 'characters', maxlength: 19 };
  return html`<${Page} title=${t('signIn')} onSubmit=${send}>
    <p class="soft">${t('signInSay')}</p>
    ${refusal && html`<${Notice} ...${refusal} />`}
    <div class="card">
      <${Contact} />
      <${Password} autocomplete="current-password" />
      ${code && html`<${Field} id="code" label=${t('code')} hint=${t('codeHint')} ...${digits} />`}
    </div>
    <${Big} type="submit" label=${t('signIn')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside">${t('newHere')} <a class="link" href="#/signup">${t('signUp')}</a></p>
  <//>`;
}

export function SignUpPage() {
  const work = async (event) => {
    const { name, contact, password } = given(event);
    await signUp(name.trim(), contact.trim(), password);
    announce(t('received'));
    location.hash = '#/signin';
  };
  const { busy, refusal, send } = useSend(work, (failed) => said(failed, 'signUp'));
  return html`<${Page} title=${t('signUp')} back="#/signin" onSubmit=${send}>
    ${refusal && html`<${Notice} ...${refusal} />`}
    <div class="card">
      <${Field} id="name" label=${t('name')} autocomplete="name" maxlength="100" />
      <${Contact} />
      <${Password} hint=${t('passwordHint')} autocomplete="new-password" />
    </div>
    <${Big} type="submit" label=${t('signUp')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside">${t('known')} <a class="link" href="#/signin">${t('signIn')}</a></p>
  <//>`;
}

const Contact = () =>
  html`<${Field} id="contact" label=${t('contact')} autocomplete="username" autocapitalize="none" maxlength="254" />`;

export const Password = ({ id = 'password', label = t('password'), ...input }) =>
  html`<${Field} id=${id} type="password" label=${label} maxlength="128" ...${input} />`;
