// What the pages know, in one place; whoever shows some of it is drawn anew when it changes. What outlives a reload.
import { useEffect, useState } from './lib.js';

const listeners = new Set();

/** @type {State} See types.d.ts. */
export const state = {
  mode: null,
  who: null,
  online: true,
  bikes: null,
  free: 0,
  open: null,
  tariff: null,
  here: null,
  places: { known: [], areSome: false },
  changes: 0,
  accountChanges: 0,
  heldUntil: null,
  manager: null,
  outcomes: {},
  busy: null,
  notice: null,
  fleet: null,
  rides: null,
  fleetFailed: null,
};

/** @param {Partial<State>} change */
export function set(change) {
  Object.assign(state, change);
  for (const listener of [...listeners]) listener();
}

// Tells that something was done.
export const announce = (/** @type {string} */ text) => set({ notice: { tone: 'good', text } });

export function useStore() {
  const [, setCount] = useState(0);
  useEffect(() => {
    const listener = () => setCount((count) => count + 1);
    listeners.add(listener);
    listener(); // what changed between drawing and listening
    return () => listeners.delete(listener);
  }, []);
  return state;
}

const memory = new Map(); // of a browser that keeps nothing, or no more: lost with the page
export const OF_TAB = 'sessionStorage'; // where a tab keeps what other tabs need not hear of

export function keep(name, value, where = 'localStorage') {
  try {
    if (value === null) globalThis[where].removeItem(`gbike.${name}`);
    else globalThis[where].setItem(`gbike.${name}`, JSON.stringify(value));
    memory.delete(name);
  } catch {
    memory.set(name, value);
  }
}

// All that was ever kept here, of whoever it is.
export function forget() {
  memory.clear();
  for (const where of ['localStorage', OF_TAB])
    try {
      const names = Object.keys(globalThis[where]).filter((name) => name.startsWith('gbike.'));
      for (const name of names) globalThis[where].removeItem(name);
    } catch {
      // a browser that keeps nothing
    }
}

export function kept(name, otherwise = null, where = 'localStorage') {
  if (memory.has(name)) return memory.get(name) ?? otherwise;
  try {
    return JSON.parse(globalThis[where].getItem(`gbike.${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}
