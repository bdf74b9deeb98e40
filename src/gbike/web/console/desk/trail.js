// The audit logs of all services as one, and what a row tells.

/** @typedef {{ number: number, at: string, service: string, action: string, subject: string, who: string,
 *   before: Record<string, any>, after: Record<string, any> }} Row */

// The newest of all logs, of which each was read down to some moment: what is older than the youngest of those may be
// missing rows of another, so it waits until more was read. { rows, isCut }.
/** @param {{ rows: Row[], total: number }[]} logs each newest first */
export function merged(logs) {
  const ends = logs
    .filter(({ rows, total }) => rows.length < total)
    .map(({ rows }) => Date.parse(rows.at(-1)?.at ?? ''));
  const known = Math.max(...ends.map((at) => (Number.isNaN(at) ? Infinity : at)), -Infinity);
  const rows = logs
    .flatMap((log) => log.rows)
    .filter(({ at }) => Date.parse(at) >= known)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || a.service.localeCompare(b.service) || b.number - a.number);
  return { rows, isCut: ends.length > 0 };
}

// What is otherwise after than it was before, by its names: [name, before, after]; undefined where it was not told.
/** @param {Record<string, any>} before @param {Record<string, any>} after @returns {[string, any, any][]} */
export function changes(before, after) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const isSame = (/** @type {string} */ name) => JSON.stringify(before[name]) === JSON.stringify(after[name]);
  return names.filter((name) => !isSame(name)).map((name) => [name, before[name], after[name]]);
}

// What somebody means by the words that they typed: "bike 17", "17번 자전거", "user:7"; else the words themselves.
/** @param {string} typed @param {string[][]} kinds each with what people call it @returns {string} */
export function subjectMeant(typed, kinds) {
  const [, number = ''] = /([0-9]+)/.exec(typed) ?? [];
  const word = typed
    .replace(/[0-9]+번?/, '')
    .replace(':', '')
    .trim()
    .toLowerCase();
  const found = kinds.find(([kind, words]) => word === kind || word === words.toLowerCase());
  return found && number ? `${found[0]}:${number}` : typed.trim();
}

const PAGES = { user: 'rider', bike: 'bike', rent: 'ride', bill: 'bill', manager: 'manager', import: 'imports' };

// What a row is about: "user:7" → { kind: "user", of: "7", page: "#/rider/7" }.
/** @param {string} subject */
export function subjectOf(subject) {
  const [kind, of = ''] = subject.split(':');
  const page = /** @type {Record<string, string>} */ (PAGES)[kind];
  return { kind, of, page: page && /^[0-9]+$/.test(of) ? `#/${page}/${of}` : null };
}
