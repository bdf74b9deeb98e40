// The fleet as it is known here: every bike, and who rides it. Rides are asked for often and bikes seldom; a bike whose ride
// began or ended is asked for at once.
import { ask } from '../api.js';
import { listen, live } from '../live.js';
import { set, state } from '../store.js';

const PAGE = 1000;
const MOST_PAGES = 50;
const RIDES_MS = 4_000; // while nobody tells what changes
const [AT_ONCE_MS, MOMENT_MS] = [200, 3_000]; // after a change, and between two looks because of changes
const SMALL = 2_000; // a fleet up to this many bikes is read anew every quarter of a minute, a larger one every minute
const [SOON_MS, LATE_MS] = [15_000, 60_000];
const FEW = 4; // so many bikes are asked for one by one: an account may read 300 times a minute
export const [FREE, TAKEN, BROKEN] = ['사용가능', '사용중', '불량'];

// Who rides it is known earlier than what the bike says of itself.
export function statusOf(bike) {
  if (state.rides?.has(bike.bikeid)) return 'taken';
  return bike.retired ? 'gone' : { [FREE]: 'free', [TAKEN]: 'taken', [BROKEN]: 'broken' }[bike.status];
}

export async function pages(path, name, most = MOST_PAGES, each = () => {}) {
  const all = [];
  for (let number = 0; number < most; number += 1) {
    const { _embedded, page } = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}size=${PAGE}&page=${number}`);
    all.push(...(_embedded?.[name] ?? []));
    each(all);
    if (number + 1 >= page.totalPages) return { all, total: page.totalElements };
  }
  return { all, total: Infinity };
}

const known = ({ _links, ...bike }) => bike;
let [bikesAt, ridesAt, reading, soon] = [0, 0, null, null];
let moved = []; // a bike hears of its ride's end a moment later than everybody else, so it is asked for twice

export async function readBikes() {
  const first = !state.fleet;
  const show = (all) => set({ fleet: new Map(all.map((bike) => [bike.bikeid, known(bike)])) });
  const { all } = await pages('/bikes', 'bikes', MOST_PAGES, (some) => first && show(some));
  bikesAt = Date.now();
  show(all);
}

export async function readRides() {
  const { all } = await pages('/rents?status=rented', 'rents');
  const [before, now] = [state.rides ?? new Map(), new Map(all.map((rent) => [rent.bikeid, rent]))];
  const same = (bikeid) => before.get(bikeid)?.rentid === now.get(bikeid)?.rentid;
  const changed = [...new Set([...before.keys(), ...now.keys()])].filter((bikeid) => !same(bikeid));
  ridesAt = Date.now();
  if (changed.length || !state.rides) set({ rides: now });
  return changed;
}

export async function readOne(bikeid) {
  const bike = known(await ask('GET', `/bikes/${bikeid}`));
  if (!state.fleet) return;
  const fleet = new Map(state.fleet);
  if (bike.retired) fleet.delete(bikeid);
  else fleet.set(bikeid, bike);
  set({ fleet });
}

async function readAll() {
  try {
    const began = state.rides !== undefined;
    const changed = await readRides();
    const small = state.fleet?.size <= SMALL;
    const due = Date.now() - bikesAt > (small ? SOON_MS : LATE_MS) || (small && changed.length > FEW);
    const some = changed.slice(0, FEW);
    if (!state.fleet || !began || due) await readBikes();
    else await Promise.all([...new Set([...some, ...moved])].map(readOne));
    moved = some;
    if (some.length) hint();
    set({ fleetFailed: null, heardAt: ridesAt });
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
  soon ??= setTimeout(() => {
    soon = null;
    refresh();
  }, Math.max(AT_ONCE_MS, ridesAt + MOMENT_MS - Date.now()));
}

// Until it is told to stop.
export function follow() {
  refresh();
  const stop = listen(hint);
  const timer = setInterval(() => document.hidden || (live() && Date.now() - ridesAt < SOON_MS) || refresh(), RIDES_MS);
  return () => {
    clearInterval(timer);
    stop();
  };
}

// Which bikes somebody looks for, in the order they want.
export function found(fleet, rides, { q = '', status = '', place = '', battery = '', sort = 'number', down = '' }) {
  const words = q.trim().toLowerCase();
  const least = battery === '' ? null : Number(battery);
  const some = [...fleet.values()].filter(
    (bike) =>
      (!status || statusOf(bike) === status) &&
      (!place || (bike.location ?? '') === place) &&
      (least === null || (bike.batterylevel ?? 101) < least) &&
      (!words || String(bike.bikeid).includes(words) || (bike.location ?? '').toLowerCase().includes(words) || String(rides.get(bike.bikeid)?.userid ?? '') === words),
  );
  const by = ORDERS[sort] ?? ORDERS.number;
  const way = down ? -1 : 1;
  return some.sort((a, b) => {
    const [one, other] = [by(a, rides), by(b, rides)];
    return way * ((one > other) - (one < other)) || a.bikeid - b.bikeid;
  });
}

const ORDERS = {
  number: (bike) => bike.bikeid,
  status: (bike) => statusOf(bike),
  battery: (bike) => bike.batterylevel ?? -1,
  place: (bike) => bike.location ?? '',
  ride: (bike, rides) => rides.get(bike.bikeid)?.starttime ?? '',
  seen: (bike) => bike.lastseen ?? '',
};
