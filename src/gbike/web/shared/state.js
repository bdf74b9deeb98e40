// What the pages know, in one place; whoever shows some of it is drawn anew when it changes.
import { useEffect, useState } from './lib.js';

export { keep, kept, OF_TAB } from './kept.js';

const listeners = new Set();

/** @type {State} See types.d.ts. */
export const state = {
  mode: null,
  who: null,
  online: !('kept' in document.documentElement.dataset), // sw.js says so where nobody answered for the page
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
