// Which places a return offers, and which of them somebody means who wrote a name.
import { isNamed, metres, nameOf, nearestFirst } from '../shared/places.js';
import { isPlaced } from '../shared/rental.js';

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
  const wanted = nameOf(text);
  /** @type {(one: Place) => number} */
  const rank = ({ name }) => {
    const own = nameOf(name);
    return own === wanted ? 0 : own.startsWith(wanted) ? 1 : 2;
  };
  const some = places.filter(({ name }) => nameOf(name).includes(wanted));
  return some.sort((a, b) => rank(a) - rank(b)); // equals stay as they were
}

// Half a name is no place: then one of those that were found is to be chosen by hand.
/** @param {Place[]} places @param {string} text @returns {string} what a return says */
export function meant(places, text) {
  const [first] = lookedFor(places, text);
  if (!first) return text.trim();
  return isNamed([text])(first) ? first.name : '';
}
