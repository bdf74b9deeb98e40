// Where bikes stand: places by their names, however those are written, and how far they are.
import { isPlaced } from './rental.js';

// What the spellings of one place have in common, as the service has it (kit/text.py): some phones write 역 in three
// signs, operators write _ for spaces.
/** @param {string} name */
const common = (name) =>
  name
    .normalize('NFC')
    .replace(/[\s_]+/g, ' ')
    .trim()
    .toLowerCase()
    .normalize('NFC');

const MOST = 10_000; // spellings that are remembered: many bikes stand at one place
/** @type {Map<string, string>} */
const known = new Map();

/** @param {string | null} [name] */
export function nameOf(name) {
  const told = name ?? '';
  const found = known.get(told) ?? common(told);
  if (known.size >= MOST) known.clear();
  known.set(told, found);
  return found;
}

// Whether a place has one of these names, however it is written.
/** @param {(string | null | undefined)[]} names @returns {(one: { name?: string | null }) => boolean} */
export function isNamed(names) {
  const some = new Set(names.map(nameOf));
  return ({ name }) => some.has(nameOf(name));
}

// The order of places' names, as people count: 10호 before 100호.
/** @param {string} language @returns {(a: string | null | undefined, b: string | null | undefined) => number} */
export function byName(language) {
  const { compare } = new Intl.Collator(language, { numeric: true });
  return (a, b) => compare(nameOf(a), nameOf(b));
}

/** @param {string} language @returns {(a: Place, b: Place) => number} */
export function nearestFirst(language) {
  const compare = byName(language);
  return (a, b) => (a.away === b.away ? compare(a.name, b.name) : a.away - b.away);
}

// The nearest first where it is known where somebody is, else by their names.
/** @param {Iterable<Bike>} bikes @param {Point | null} here @param {string} language */
export function byPlace(bikes, here, language) {
  /** @type {Map<string, Place & { bikes: Bike[] }>} */
  const places = new Map();
  for (const bike of bikes) {
    const key = nameOf(bike.location);
    const name = (bike.location ?? '').trim();
    const one = places.get(key) ?? { name, bikes: [], lat: null, lon: null, away: Infinity };
    one.bikes.push(bike);
    places.set(key, one);
  }
  for (const one of places.values()) {
    const placed = /** @type {Point[]} */ (one.bikes.filter(isPlaced));
    const mean = (/** @type {'lat' | 'lon'} */ what) =>
      placed.reduce((sum, bike) => sum + bike[what], 0) / placed.length;
    if (placed.length) {
      const at = { lat: mean('lat'), lon: mean('lon') };
      Object.assign(one, at, here && { away: metres(here, at) });
    }
    one.bikes.sort((a, b) => (b.batterylevel ?? 0) - (a.batterylevel ?? 0) || a.bikeid - b.bikeid);
  }
  return [...places.values()].sort(nearestFirst(language));
}

// On a plane that touches the globe: good for a city.
/** @param {Point} a @param {Point} b */
export function metres(a, b) {
  const rad = Math.PI / 180;
  const x = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
  return Math.hypot(x, (b.lat - a.lat) * rad) * 6_371_000;
}
