// The fleet as it is known here: every bike, and who rides it. Rides are asked for often and bikes seldom; a bike whose
// ride began or ended is asked for at once.
import { ask } from '../shared/api.js';
import { listen, live } from '../shared/live.js';
import { set, state } from '../shared/state.js';
import { changedRides } from './bikes.js';

const PAGE = 1000;
const MOST_PAGES = 50;
const RIDES_MS = 4_000; // while nobody tells what changes
const AT_ONCE_MS = 200; // after a change …
const MOMENT_MS = 3_000; // … and between two looks because of changes
const SMALL = 2_000; // a fleet up to this many bikes is read anew every quarter of a minute, a larger one every minute
const SOON_MS = 15_000;
const LATE_MS = 60_000;
const FEW = 4; // so many bikes are asked for one by one: an account may read 300 times a minute

export async function page(path, name, size, number = 0) {
  const answer = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}size=${size}&page=${number}`);
  const { totalElements: total, totalPages } = answer.page;
  return { rows: answer._embedded?.[name] ?? [], total, pages: totalPages };
}

export async function pages(path, name, most = MOST_PAGES, each = (_all) => {}) {
  const all = [];
  for (let number = 0; number < most; number += 1) {
    const { rows, total, pages: last } = await page(path, name, PAGE, number);
    all.push(...rows);
    each(all);
    if (number + 1 >= last) return { all, total };
  }
  return { all, total: Infinity };
}

/** @returns {any} */
const known = ({ _links, ...bike }) => bike;
let bikesAt = 0;
let ridesAt = 0;
let reading = null;
let soon = false;
let moved = []; // a bike hears of its ride's end a moment later than everybody else, so it is asked for twice

export async function readBikes() {
  const first = !state.fleet; // each page is shown as it comes
  const show = (all) => set({ fleet: new Map(all.map((bike) => [bike.bikeid, known(bike)])) });
  const { all } = await pages('/bikes', 'bikes', MOST_PAGES, (some) => first && show(some));
  bikesAt = Date.now();
  if (!first) show(all);
}

async function readRides() {
  const { all } = await pages('/rents?status=rented', 'rents');
  const now = new Map(all.map((rent) => [rent.bikeid, rent]));
  const changed = changedRides(state.rides ?? new Map(), now);
  ridesAt = Date.now();
  if (changed.length || !state.rides) set({ rides: now });
  return changed;
}

async function readOne(bikeid) {
  const bike = known(await ask('GET', `/bikes/${bikeid}`));
  if (!state.fleet) return;
  const fleet = new Map(state.fleet);
  if (bike.retired) fleet.delete(bikeid);
  else fleet.set(bikeid, bike);
  set({ fleet });
}

async function readAll() {
  try {
    const began = state.rides !== null;
    const changed = await readRides();
    const small = state.fleet?.size <= SMALL;
    const due = Date.now() - bikesAt > (small ? SOON_MS : LATE_MS) || (small && changed.length > FEW);
    const some = changed.slice(0, FEW);
    if (!state.fleet || !began || due) await readBikes();
    else await Promise.all([...new Set([...some, ...moved])].map(readOne));
    moved = some;
    if (some.length) hint();
    set({ fleetFailed: null });
  } catch (failed) {
    set({ fleetFailed: failed });
  }
}

export function refresh() {
  reading ??= readAll().finally(() => {
    reading = null;
  });
  return reading;
}

// Something changed: looked at soon, and once for all that changes within a moment.
function hint() {
  if (soon) return;
  soon = true;
  const look = () => {
    soon = false;
    refresh();
  };
  setTimeout(look, Math.max(AT_ONCE_MS, ridesAt + MOMENT_MS - Date.now()));
}

// Until it is told to stop.
export function follow() {
  refresh();
  const stop = listen(hint);
  const isFresh = () => live() && Date.now() - ridesAt < SOON_MS;
  const timer = setInterval(() => document.hidden || isFresh() || refresh(), RIDES_MS);
  return () => {
    clearInterval(timer);
    stop();
  };
}
