// How the services are asked: in the rider's language, with their token, and with a bound on waiting.
import { heard } from './clock.js';
import { forget, keep, kept } from './kept.js';
import { set, state } from './state.js';
import { language, t } from './text.js';

const PATIENCE_MS = 8000; // longer than any service takes to answer or to refuse
const SLOW_MS = 2500; // longer than a service usually takes: then it is said that nobody answers, while we wait
const FILE_MS = 120_000; // and a file may be on its way so long
const EARLY_MS = 30_000; // a token this close to its end is renewed first
const OF_PASSWORD = /#sign-in-(refused|again)"/; // what was refused is the password that was typed, not the token

export class Problem extends Error {
  constructor(status, body, retryAfterS) {
    super(body.title || String(status));
    this.status = status;
    this.type = (body.type || '').split('/').pop().split('#').pop();
    this.facts = body;
    this.retryAfterS = retryAfterS;
  }
}

export class NoAnswer extends Error {}

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

// What is no JSON, as it was answered.
export const askText = (path) => ask('GET', path, { plain: true });

// What is answered, or what is meant instead where there is no such thing.
export const askMaybe = (path, otherwise = null) =>
  ask('GET', path).catch((failed) => (failed.status === 404 ? otherwise : Promise.reject(failed)));

/** @param {string | null} token @param {object} [body] */
const headers = (token, body) => ({
  Accept: 'application/json',
  'Accept-Language': language(),
  ...(body && { 'Content-Type': 'application/json' }),
  ...(token && { Authorization: `Bearer ${token}` }),
});

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: object, file?: Blob, key?: string, again?: boolean, anybody?: boolean, plain?: boolean }} [how]
 */
export async function ask(method, path, { body, file, key, again = true, anybody = false, plain = false } = {}) {
  const token = anybody ? null : await access();
  const asIs = file && { 'Content-Type': 'application/octet-stream' };
  const more = { ...(plain && { Accept: '*/*' }), ...(key && { 'Idempotency-Key': key }), ...asIs };
  const sent = { method, headers: { ...headers(token, body), ...more }, body: file ?? (body && JSON.stringify(body)) };
  const answer = await fetched(path, { ...sent, cache: 'no-store' });
  if (answer.status === 401 && token && again && !OF_PASSWORD.test(answer.text)) {
    if (kept('session')?.access_token === token) await renew(token);
    return ask(method, path, { body, file, key, again: false, plain });
  }
  return plain && answer.ok ? answer.text : read(answer);
}

// A file, however long it is: the browser keeps it as one that was downloaded.
export async function askFile(path) {
  const token = await access();
  const answer = await fetch(path, { headers: { ...headers(token), Accept: '*/*' }, cache: 'no-store' }).catch(() => {
    throw new NoAnswer();
  });
  if (!answer.ok) read({ ...(await told(answer)), headers: answer.headers });
  const [, name = 'gbike.csv'] = /filename="?([^";]+)/.exec(answer.headers.get('content-disposition') ?? '') ?? [];
  const whole = await answer.blob().catch(() => {
    throw new NoAnswer();
  });
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(whole), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), FILE_MS);
}

const told = async (answer) => ({ status: answer.status, ok: answer.ok, text: await answer.text() });

const BREATH_MS = 200; // between two requests of work that goes on
const underWay = new Set();

// Until everything that changes something was answered.
export async function settled() {
  while (underWay.size) {
    await Promise.allSettled([...underWay]);
    await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
  }
}

function fetched(path, options) {
  const answered = waited(path, options);
  if (options.method !== 'GET') {
    underWay.add(answered);
    const done = () => underWay.delete(answered);
    answered.then(done, done);
  }
  return answered;
}

async function waited(path, options) {
  const sent = Date.now();
  const slow = options.body instanceof Blob ? 0 : setTimeout(() => set({ online: false }), SLOW_MS);
  try {
    const answer = await fetch(path, {
      ...options,
      signal: AbortSignal.timeout(options.body instanceof Blob ? FILE_MS : PATIENCE_MS),
    });
    const text = await answer.text();
    heard(answer.headers.get('date'), sent, Date.now());
    if (!state.online) {
      set({ online: true });
      dispatchEvent(new Event('answered'));
    }
    return { status: answer.status, ok: answer.ok, headers: answer.headers, text };
  } catch {
    if (state.online) set({ online: false });
    throw new NoAnswer();
  } finally {
    clearTimeout(slow);
  }
}

function read({ ok, status, text, headers: answered }) {
  /** @type {any} */
  let body = {};
  try {
    body = JSON.parse(text || '{}');
  } catch {
    // Whatever stands between us and the services may answer in its own way; the status says enough.
  }
  if (!ok) throw new Problem(status, body, Number(answered.get('retry-after')) || null);
  return body;
}

// Signing in and staying in. A refresh token is good once, so only one tab at a time uses it.

export async function access() {
  const session = kept('session');
  if (!session) return null;
  if (session.ends - Date.now() > EARLY_MS) return session.access_token;
  await renew(session.access_token);
  return kept('session')?.access_token ?? null;
}

// Also with what the account may do by now.
export function renew(old) {
  const alone = (work) => (navigator.locks ? navigator.locks.request('gbike.session', work) : work());
  return alone(async () => {
    const session = kept('session');
    if (!session || session.access_token !== old) return; // another tab was faster
    try {
      signedIn(await plain('/sessions/refresh', { refresh_token: session.refresh_token }, old));
    } catch (failed) {
      const over = failed instanceof Problem && failed.status < 500 && failed.status !== 429;
      // Another session may have begun meanwhile, as after a new password.
      if (over && kept('session')?.access_token === old) signedOut({ tone: 'bad', text: t('ended'), ended: true });
      throw failed;
    }
  });
}

// With a token that is still good nobody else at the same address can use up how often this may be asked.
export const plain = async (path, body, token = null) =>
  read(await fetched(path, { method: 'POST', headers: headers(token, body), body: JSON.stringify(body) }));

export function signedIn(answer) {
  keep('session', { ...answer, ends: Date.now() + answer.expires_in * 1000 });
  set({ who: { userid: answer.userid, roles: answer.roles } });
}

export function signedOut(notice = null) {
  keep('session', null);
  keep('lastPlaces', null);
  forget();
  left(notice);
}

// Nobody is in: what was of somebody is shown no more, and what they sent waits for them.
export function left(notice = null) {
  set({ who: null, open: null, manager: null, outcomes: {}, notice });
  dispatchEvent(new Event('left'));
}
