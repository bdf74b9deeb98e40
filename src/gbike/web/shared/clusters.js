// Places on a map as discs: how large each is, which stand so near to each other that they are one, whose name fits.
import { isPlaced } from './rental.js';

const LEAST = 44; // px: what a finger hits
const OF_SEVERAL = 58; // so that a cluster can say of how many places it is
const MOST = 72;
const CELL = 80; // px: no two discs further apart than this touch each other
const LINE = 18; // px: how high a name is
const LETTER = 8; // px: how wide a sign of it is, about; a Korean one is twice as wide
const WIDE = '\u1000'; // signs from here on
const WIDEST = 132; // px: what is longer is cut

// Its width in px. Four times as many bikes make it grow by twice as much.
/** @param {number} bikes @param {number} places */
export const widthOf = (bikes, places = 1) =>
  Math.min(MOST, Math.max(places > 1 ? OF_SEVERAL : 0, LEAST + Math.round(3 * Math.sqrt(Math.max(0, bikes - 1)))));

/** @param {string} name */
export const nameWidth = (name) =>
  Math.min(WIDEST, [...name].reduce((sum, sign) => sum + (sign > WIDE ? 2 : 1), 0) * LETTER * 0.85);

// The places that are somewhere. Bikes without a place's name have no middle: each stands for itself.
/** @template {Place & { bikes: Bike[] }} P @param {P[]} places @returns {P[]} */
export const standing = (places) =>
  places
    .flatMap((one) =>
      one.name ? [one] : one.bikes.map((bike) => ({ ...one, bikes: [bike], lat: bike.lat, lon: bike.lon })),
    )
    .filter(isPlaced);

// Each place in one cluster, the fullest in the middle of it. The same places at the same zoom are the same clusters,
// wherever the map is moved.
/** @param {Disc[]} places @param {(one: Disc) => { x: number, y: number }} at px @returns {Cluster[]} */
export function clusters(places, at) {
  /** @type {Map<string, Cluster[]>} */
  const cells = new Map();
  /** @type {Cluster[]} */
  const all = [];
  const fullest = [...places].sort((a, b) => b.number - a.number || (a.name < b.name ? -1 : 1));
  for (const one of fullest) {
    const { x, y } = at(one);
    const near = touching(cells, x, y, widthOf(one.number));
    if (near) {
      near.places.push(one);
      near.number += one.number;
    } else {
      const made = { x, y, places: [one], number: one.number };
      all.push(made);
      const cell = cellOf(x, y);
      cells.set(cell, [...(cells.get(cell) ?? []), made]);
    }
  }
  return all;
}

/** @param {number} x @param {number} y */
const cellOf = (x, y) => `${Math.floor(x / CELL)} ${Math.floor(y / CELL)}`;

/** @param {Map<string, Cluster[]>} cells @param {number} x @param {number} y @param {number} width */
function touching(cells, x, y, width) {
  /** @type {Cluster | null} */
  let best = null;
  let least = Infinity;
  for (const across of [-CELL, 0, CELL]) {
    for (const down of [-CELL, 0, CELL]) {
      for (const one of cells.get(cellOf(x + across, y + down)) ?? []) {
        const away = Math.hypot(one.x - x, one.y - y);
        if (away < (widthOf(one.number, one.places.length) + width) / 2 && away < least) [best, least] = [one, away];
      }
    }
  }
  return best;
}

// The single places whose name stands below them without covering another's name or disc, the fullest first.
/** @param {Cluster[]} all @param {(one: Cluster) => string} named @returns {Set<Cluster>} */
export function labelled(all, named) {
  const taken = all.map((one) => {
    const half = widthOf(one.number, one.places.length) / 2;
    return { of: one, left: one.x - half, right: one.x + half, top: one.y - half, bottom: one.y + half };
  });
  /** @type {Set<Cluster>} */
  const some = new Set();
  const single = all.filter(({ places }) => places.length === 1);
  for (const one of single.sort((a, b) => b.number - a.number)) {
    const half = nameWidth(named(one)) / 2;
    const top = one.y + widthOf(one.number, one.places.length) / 2;
    const box = { of: one, left: one.x - half, right: one.x + half, top, bottom: top + LINE };
    const isFree = taken.every(
      (other) =>
        other.of === one ||
        other.right <= box.left ||
        other.left >= box.right ||
        other.bottom <= box.top ||
        other.top >= box.bottom,
    );
    if (!isFree) continue;
    some.add(one);
    taken.push(box);
  }
  return some;
}
