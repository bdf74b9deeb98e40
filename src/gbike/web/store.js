// What the pages know, in one place; whoever shows some of it is drawn anew when it changes. And what outlives a reload.
import { useEffect, useState } from './lib.js';

const listeners = new Set();

export const state = {
  mode: null, // 'demo' or 'secure'; null until the server said so
  who: null, // { userid, roles, name } of the rider; null when nobody is signed in
  online: true, // whether the last request was answered
  bikes: null, // the available ones, or those nearest; null until they were read
  free: 0, // how many are available in all
  open: null, // the rider's rides under way; null until they were read
  tariff: null,
  here: null, // { lat, lon } when the rider let us know
  told: 0, // how often the view told of something new
  held: null, // until when a busy server asked us to wait with the reports
  manager: null, // { managerid, userid, point } of the field staff; null until it was read
  outcomes: {}, // what came of this page's reports, by their keys: true, or what was refused
  busy: null, // { kind, waiting } while something that was tapped is not answered
  notice: null, // { tone, text, way } what to tell the rider
};

export function set(change) {
  Object.assign(state, change);
  for (const listener of [...listeners]) listener();
}

export function useStore() {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = () => again((count) => count + 1);
    listeners.add(listener);
    listener(); // what changed between drawing and listening
    return () => listeners.delete(listener);
  }, []);
  return state;
}

const memory = new Map(); // of a browser that keeps nothing, or no more: lost with the page

export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`gbike.${name}`);
    else localStorage.setItem(`gbike.${name}`, JSON.stringify(value));
    memory.delete(name);
  } catch {
    memory.set(name, value);
  }
}

export function kept(name, otherwise = null) {
  if (memory.has(name)) return memory.get(name) ?? otherwise;
  try {
    return JSON.parse(localStorage.getItem(`gbike.${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

// What a tab knows across its own reloads; other tabs need not hear of it. A browser that keeps nothing forgets it there.
export function keepHere(name, value) {
  try {
    sessionStorage.setItem(`gbike.${name}`, value);
  } catch {
    // nothing is kept
  }
}

export function keptHere(name) {
  try {
    return sessionStorage.getItem(`gbike.${name}`);
  } catch {
    return null;
  }
}
