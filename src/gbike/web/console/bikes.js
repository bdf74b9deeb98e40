// The fleet as a list: what changed in it, and which bikes somebody looks for.
import { byName, nameOf } from '../shared/places.js';
import { statusOf } from '../shared/rental.js';
import { language } from '../shared/text.js';

/** @type {string[]} */
export const STATUSES = ['free', 'taken', 'broken'];

// How many of some bikes are of each status.
/** @param {Iterable<Bike>} bikes @param {Map<number, Rent> | null} rides */
export function countedBy(bikes, rides) {
  const counts = { free: 0, taken: 0, broken: 0 };
  for (const bike of bikes) {
    const status = statusOf(bike, rides);
    if (status !== 'gone') counts[status] += 1;
  }
  return counts;
}

// The bikes whose rides began or ended.
/** @param {Map<number, Rent>} before @param {Map<number, Rent>} now */
export function changedRides(before, now) {
  const bikes = new Set([...before.keys(), ...now.keys()]);
  return [...bikes].filter((bikeid) => before.get(bikeid)?.rentid !== now.get(bikeid)?.rentid);
}

/** @type {Record<string, (bike: Bike, rides: Map<number, Rent>) => string | number>} */
const ORDERS = {
  number: (bike) => bike.bikeid,
  status: statusOf,
  battery: (bike) => bike.batterylevel ?? -1,
  place: (bike) => nameOf(bike.location),
  ride: (bike, rides) => rides.get(bike.bikeid)?.starttime ?? '',
  seen: (bike) => bike.lastseen ?? '',
};

// Which bikes somebody looks for, in the order they want.
/** @param {Map<number, Bike>} fleet @param {Map<number, Rent>} rides @param {Record<string, string>} query */
export function found(
  fleet,
  rides,
  { q = '', status = '', place = '', battery = '', bikes = '', sort = 'number', down = '' },
) {
  const chosen = bikes ? new Set(bikes.split('.').map(Number)) : null;
  const words = nameOf(q);
  const said = (/** @type {Bike} */ { bikeid, label, location }) =>
    String(bikeid).includes(words) ||
    (label ?? '').toLowerCase().includes(words) ||
    nameOf(location).includes(words) ||
    String(rides.get(bikeid)?.userid ?? '') === words;
  const some = [...fleet.values()].filter(
    (bike) =>
      (!chosen || chosen.has(bike.bikeid)) &&
      (!status || statusOf(bike, rides) === status) &&
      (!place || nameOf(bike.location) === nameOf(place)) &&
      (!battery || (bike.batterylevel ?? 101) < Number(battery)) &&
      (!words || said(bike)),
  );
  const by = ORDERS[sort] ?? ORDERS.number;
  const way = down ? -1 : 1;
  const names = byName(language());
  /** @type {(one: any, other: any) => number} */
  const compare = sort === 'place' ? names : (one, other) => Number(one > other) - Number(one < other);
  return some.sort((a, b) => way * compare(by(a, rides), by(b, rides)) || a.bikeid - b.bikeid);
}
