// What outlives a reload: in the browser, in a tab, or with an entry of the tab's history.

const memory = new Map(); // of a browser that keeps nothing, or no more: lost with the page
export const OF_TAB = 'sessionStorage'; // where a tab keeps what other tabs need not hear of
const LAST = 'last.'; // what was known last, by its name; of whoever is signed in
const MOST = 20; // things that were read

export function keep(name, value, where = 'localStorage') {
  try {
    if (value === null) globalThis[where].removeItem(`gbike.${name}`);
    else globalThis[where].setItem(`gbike.${name}`, JSON.stringify(value));
    memory.delete(name);
  } catch {
    memory.set(name, value);
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

// What was known last is shown where nobody answers. Other tabs need not act on it.
export const keepLast = (name, value) => keep(LAST + name, value);
export const lastKnown = (name) => kept(LAST + name);
export const isLast = (key) => key.startsWith(`gbike.${LAST}`);

// Of what pages read: so many of the latest.
export function keepRead(name, found) {
  const { [name]: _, ...others } = lastKnown('reads') ?? {};
  keepLast('reads', Object.fromEntries([...Object.entries(others).slice(1 - MOST), [name, found]]));
}
export const lastRead = (name) => lastKnown('reads')?.[name] ?? null;

// Reload, back and forward lead to an entry of the history again; a link makes a new one.
const ENTRIES = 50;

export function entry() {
  const known = history.state?.entry;
  if (known) return known;
  const made = kept('entry', 0, OF_TAB) + 1;
  keep('entry', made, OF_TAB);
  history.replaceState({ ...history.state, entry: made }, '');
  return made;
}

export const keptAt = (at, name) => kept('entries', {}, OF_TAB)[at]?.[name];

export function keepAt(at, name, value) {
  const all = kept('entries', {}, OF_TAB);
  all[at] = { ...all[at], [name]: value };
  keep('entries', Object.fromEntries(Object.entries(all).slice(-ENTRIES)), OF_TAB); // numbers: the oldest are first
}

// Of somebody who is gone.
export function forget() {
  for (const name of ['open', 'reads']) keepLast(name, null);
  keep('entries', null, OF_TAB);
}

// All that was ever kept here, of whoever it is.
export function forgetAll() {
  memory.clear();
  for (const where of ['localStorage', OF_TAB])
    try {
      const names = Object.keys(globalThis[where]).filter((name) => name.startsWith('gbike.'));
      for (const name of names) globalThis[where].removeItem(name);
    } catch {
      // a browser that keeps nothing
    }
}
