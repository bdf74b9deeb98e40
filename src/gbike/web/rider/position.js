// Where the rider is, as the phone measures it: with the moment and how exact it is. Asked for when they let us.
import { ask } from '../shared/api.js';
import { known, now } from '../shared/clock.js';
import { keep, kept, set, state } from '../shared/state.js';

const FRESH_MS = 30_000; // a return takes none that is older
const NOW_MS = 2_000; // what the phone measured so short ago need not be measured again
const AGAIN_MS = 60_000; // the list asks anew after this
const OLD_MS = 180_000; // somebody rode on since: it is shown as old
const TAP_MS = 3_000; // no tap waits longer for it
const LOOK_MS = 8_000;

const ageMs = ({ at }) => now() - at;
/** @param {Position | null} here */
export const isOld = (here) => Boolean(here && ageMs(here) > OLD_MS);
/** @param {Position | null} here */
export const isFresh = (here) => Boolean(here && ageMs(here) <= FRESH_MS);

/** @param {Position} here */
export const minutesOld = (here) => Math.round(ageMs(here) / 60_000);

/** @returns {Promise<Position | null>} null where the phone does not know, or does not tell us. */
const measured = (timeout) =>
  new Promise((resolve) => {
    // Some phones hand out an old one whatever is asked for, so its own moment counts.
    const found = ({ coords: { latitude: lat, longitude: lon, accuracy }, timestamp }) =>
      resolve({ lat, lon, accuracy: Math.round(accuracy), at: now() - Math.max(0, Date.now() - timestamp) });
    const how = { timeout, maximumAge: NOW_MS, enableHighAccuracy: true };
    if (!navigator.geolocation) resolve(null);
    else navigator.geolocation.getCurrentPosition(found, () => resolve(null), how);
  });

// Whether the phone answers without asking the rider first.
async function isAllowed() {
  try {
    return (await navigator.permissions.query({ name: 'geolocation' })).state === 'granted';
  } catch {
    return state.here !== null; // a browser that can't say so
  }
}

// On the rider's own wish: they may be asked by the phone, and that takes as long as they like.
export async function look() {
  const here = await measured(LOOK_MS);
  set(here ? { here } : {});
  return here;
}

// Without asking anybody: null where it is not known within the time.
async function lookQuietly(ms = LOOK_MS) {
  const late = new Promise((resolve) => setTimeout(resolve, ms, null));
  const here = await Promise.race([late, isAllowed().then((allowed) => (allowed ? measured(ms) : null))]);
  if (here) set({ here });
  return here;
}

// What the list was sorted by is measured again after a while, as riders move.
export async function renew() {
  if (state.here && ageMs(state.here) > AGAIN_MS) await lookQuietly();
}

// Where the rider is now, or null: somewhere they were is no answer.
export async function freshly(ms = LOOK_MS) {
  const here = (await lookQuietly(ms)) ?? state.here;
  return isFresh(here) ? here : null;
}

// Whether the rider lets a return tell their place; known last, as the line may be gone at the tap.
export async function readConsent() {
  const { mode, who } = state;
  if (mode === 'demo') return;
  const { consents } = await ask('GET', `/accounts/${who.userid}/consents`);
  keep('placed', { userid: who.userid, agreed: consents.some(({ kind }) => kind === 'location') });
}

function isAgreed() {
  const { userid, agreed } = kept('placed') ?? {};
  return state.mode === 'demo' || (agreed && userid === state.who?.userid);
}

// What a return says of where it was tapped.
export async function atTheTap() {
  if (!isAgreed()) return {};
  const here = await freshly(TAP_MS);
  if (!here || !known()) return {};
  const { lat, lon, accuracy, at } = here;
  return { lat, lon, accuracy, measuredat: new Date(at).toISOString() };
}
