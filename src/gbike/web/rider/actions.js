// What a rider does, and what the pages then know. What is shown after a tap is read from the services, never guessed.
import { ask, Problem } from '../shared/api.js';
import { keepLast, lastKnown } from '../shared/kept.js';
import { nameOf } from '../shared/places.js';
import { begin, goneOut, said } from '../shared/session.js';
import { announce, keep, kept, set, state } from '../shared/state.js';
import { t, won } from '../shared/text.js';
import { atTheTap } from './position.js';
import { isQueued, ours, sendQueued, sent, tapped, Waits, waiting } from './taps.js';

const MOST = 1000; // one page of a collection
const RIDES = 100; // of the last ones, to know where they ended
const LAST = 3; // places of these to choose from
const NEAREST = 300; // bikes to choose from where we know what is near; the others are only counted
const TO_ANYBODY = 100; // whom the services answer no more at once

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
    const size = Math.min(state.here ? NEAREST : MOST, state.who ? MOST : TO_ANYBODY);
    const near = `size=${size}${state.here ? `&${nearTo(state.here)}` : ''}`;
    const { _embedded, page } = await ask('GET', `/bikes?offered=true&${near}`);
    set({ bikes: _embedded.bikes, free: page.totalElements });
    keepLast('bikes', { bikes: _embedded.bikes.slice(0, NEAREST).map(asShown), free: page.totalElements });
  });
}

const asShown = ({ bikeid, label, status, location, batterylevel, lat, lon }) => ({
  ...{ bikeid, label, status, location, batterylevel, lat, lon },
});

const nearTo = ({ lat, lon }) => `near=${lat.toFixed(5)},${lon.toFixed(5)}`;

// Every place that has a name, those without a free bike too; where they are very many, what is looked for is added.
/** @param {Position | null} here */
export function readPlaces(here, text = '') {
  return quietly(async () => {
    const near = [here && nearTo(here), text && `q=${encodeURIComponent(text.trim())}`].filter(Boolean);
    const { _embedded, page } = await ask('GET', `/places?${[`size=${MOST}`, ...near].join('&')}`);
    const found = _embedded.places.map(({ name, lat, lon }) => ({ name, lat, lon, away: Infinity }));
    const known = [...found, ...(text ? state.places.known : [])];
    const areSome = text ? state.places.areSome : page.totalElements > found.length;
    set({ places: { known, areSome } });
    if (!text) keepLast('places', { known: known.map(({ away: _, ...one }) => one), areSome });
  });
}

// Where the rider left bikes before, kept here so that it is there without a line too.
export const lastPlaces = () => {
  const last = kept('lastPlaces');
  return last?.userid === state.who?.userid ? last.names : [];
};

export function readLastPlaces() {
  return quietly(async () => {
    const { userid } = state.who;
    const { _embedded } = await ask('GET', `/rents?status=returned&size=${RIDES}&sort=rentid,desc`);
    const own = _embedded.rents.filter((rent) => rent.userid === userid && rent.endlocation?.trim());
    const names = new Map(own.map(({ endlocation }) => [nameOf(endlocation), endlocation]));
    keep('lastPlaces', { userid, names: [...names.values()].slice(0, LAST) });
    set({});
  });
}

let isPriced = false; // what was known last may be dear or cheap by now

export const readTariff = () =>
  quietly(async () => {
    set({ tariff: await ask('GET', '/billings/tariff') });
    keepLast('tariff', state.tariff);
    isPriced = true;
  });

// Who rides finds the ride after a reload without a line too.
function ridden(open) {
  keepLast('open', { userid: state.who?.userid, open });
  set({ open });
}

// What was known last, until somebody answers.
export function recall() {
  const { userid = null, open = null } = lastKnown('open') ?? {};
  const places = lastKnown('places');
  set({
    ...(userid === state.who?.userid && { open }),
    ...(places && { places: { ...places, known: places.known.map((one) => ({ ...one, away: Infinity })) } }),
    ...lastKnown('bikes'),
    tariff: lastKnown('tariff'),
  });
}

export function readOpen() {
  return quietly(async () => {
    const userid = state.who?.userid;
    const { _embedded } = await ask('GET', `/rents?status=rented&size=${MOST}&sort=rentid,desc`);
    if (userid === state.who?.userid) ridden(_embedded.rents.filter((rent) => rent.userid === userid));
  });
}

export async function refresh() {
  if (state.mode === null) await begin();
  await Promise.all([state.who && readOpen(), isPriced ? null : readTariff()]);
}

// Sends what a reload, a restart or a spell without a line left unanswered; not what another open tab sends, whose
// answer would lead away from what is looked at here.
export async function resume() {
  sendQueued();
  const tap = waiting().find((one) => !isQueued(one));
  if (!tap || !(await ours(tap))) return;
  if (waiting().some(({ key }) => key === tap.key)) followed(tap.kind, () => sent(tap), tap);
}

export const rentBike = (bikeid) => {
  const body = { userid: state.who.userid, bikeid };
  return followed('rent', () => tapped('rent', 'POST', '/rents', body), { body });
};

// A place without a name: the ride ends, and where the bike is said to be stays as it was.
export const giveBack = (rentid, endlocation) => {
  const path = `/rents/${rentid}`;
  return followed('return', () => tapped('return', 'PATCH', path, { endlocation }, atTheTap), { path });
};

export const topUp = (amount) => {
  const path = `/userDeposits/${state.who.userid}/payments`;
  return followed('topUp', () => tapped('topUp', 'POST', path, { amount }), { body: { amount } });
};

export const pay = ({ paymentid, userid, amount }) => {
  const path = `/userDeposits/${userid}/payments/${paymentid}/testPayment`;
  return followed('pay', () => tapped('pay', 'POST', path), { body: { amount } });
};

// With the points that should be left: where those are not what the staff member saw, nothing is converted.
/** @param {State['manager']} manager @param {number} adjustpoint */
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
    if (failed instanceof Waits) return;
    set({ notice: said(failed, kind, tap) });
    if (failed.status === 401) goneOut();
  } finally {
    set({ busy: null });
  }
  readOpen();
}

const DONE = {
  rent: (rent) => {
    ridden([rent, ...(state.open ?? []).filter((other) => other.rentid !== rent.rentid)]);
    announce(t('begun'));
    location.hash = '#/ride';
  },
  return: (rent) => {
    ridden((state.open ?? []).filter((other) => other.rentid !== rent.rentid));
    location.hash = `#/rides/${rent.rentid}/done`;
  },
  topUp: ({ payAt }) => location.assign(payAt),
  pay: ({ amount }) => {
    announce(t('toppedUp', won(amount)));
    location.hash = '#/rides';
  },
  convert: (manager, tap) => {
    set({ manager });
    announce(t('converted', won(tap.body.adjustpoint)));
  },
};

export function ride(userid) {
  keep('rider', userid);
  set({ who: { userid, roles: ['admin'] }, open: null });
  return readOpen();
}
