// What riders and operators see of bikes and rides: how a bike is, where bikes stand, and what a ride costs.
export const FREE = '사용가능';
export const TAKEN = '사용중';
export const BROKEN = '불량';
/** @type {Record<string, 'free' | 'taken' | 'broken'>} */
const STATUSES = { [FREE]: 'free', [TAKEN]: 'taken', [BROKEN]: 'broken' };

/** @param {string | null} [status] */
export const wordOf = (status) => STATUSES[status ?? ''] ?? 'broken';

// Who rides it is known earlier than what the bike says of itself.
/** @param {Bike} bike @param {Map<number, Rent> | null} [rides] under way, by their bikes */
export function statusOf({ bikeid, retired, status }, rides) {
  if (rides?.has(bikeid)) return 'taken';
  return retired ? 'gone' : wordOf(status);
}

/** @param {{ lat?: number | null, lon?: number | null }} one */
export const isPlaced = ({ lat, lon }) => typeof lat === 'number' && typeof lon === 'number';

// What two spellings of one place have in common: some phones write 역 in three signs, operators write _ for spaces.
/** @param {string | null} [name] */
export const nameOf = (name) =>
  (name ?? '')
    .normalize('NFC')
    .replace(/[\s_]+/g, ' ')
    .trim();

// The order of places' names, as people count: 10호 before 100호.
/** @param {string} language @returns {(a: string | null | undefined, b: string | null | undefined) => number} */
export function byName(language) {
  const { compare } = new Intl.Collator(language, { numeric: true });
  return (a, b) => compare(nameOf(a), nameOf(b));
}

/** @param {string} language @returns {(a: Place, b: Place) => number} */
function nearestFirst(language) {
  const compare = byName(language);
  return (a, b) => (a.away === b.away ? compare(a.name, b.name) : a.away - b.away);
}

// The nearest first where it is known where somebody is, else by their names.
/** @param {Bike[]} bikes @param {Point | null} here @param {string} language */
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

// Every place to leave a bike at, each once: those that are known, and where free bikes stand.
/** @param {Place[]} known @param {Place[]} others @param {Point | null} here @param {string} language */
export function allPlaces(known, others, here, language) {
  /** @type {Map<string, Place>} */
  const all = new Map();
  for (const one of [...known, ...others]) {
    const away = here && isPlaced(one) ? metres(here, /** @type {Point} */ (one)) : Infinity;
    const key = nameOf(one.name);
    if (key && !all.has(key)) all.set(key, { ...one, away });
  }
  return [...all.values()].sort(nearestFirst(language));
}

// The places that somebody may mean who wrote this, the one of that name first, then those that begin so.
/** @param {Place[]} places @param {string} text */
export function lookedFor(places, text) {
  const wanted = nameOf(text).toLowerCase();
  /** @type {(one: Place) => number} */
  const rank = ({ name }) => {
    const own = nameOf(name).toLowerCase();
    return own === wanted ? 0 : own.startsWith(wanted) ? 1 : 2;
  };
  const some = places.filter(({ name }) => nameOf(name).toLowerCase().includes(wanted));
  return some.sort((a, b) => rank(a) - rank(b)); // equals stay as they were
}

// On a plane that touches the globe: good for a city.
/** @param {Point} a @param {Point} b */
function metres(a, b) {
  const rad = Math.PI / 180;
  const x = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
  return Math.hypot(x, (b.lat - a.lat) * rad) * 6_371_000;
}

// As billing computes it (services/billing/domain.py): whole intervals, or begun ones and one at least.
/** @param {Tariff} tariff @param {number} riddenMs */
export function fee({ krw, per_s: perS, rounding }, riddenMs) {
  const intervals = Math.max(0, riddenMs) / (perS * 1000);
  return krw * (rounding === 'ceil' ? Math.max(1, Math.ceil(intervals)) : Math.floor(intervals));
}

// In how many milliseconds it costs more, and how much then.
/** @param {Tariff} tariff @param {number} riddenMs */
export function nextFee(tariff, riddenMs) {
  const interval = tariff.per_s * 1000;
  const leftMs = interval - (riddenMs % interval);
  return { leftMs, krw: fee(tariff, riddenMs + leftMs + (tariff.rounding === 'ceil' ? 1 : 0)) };
}
