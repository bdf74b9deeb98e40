// What forms have alike: a refusal's words at the fields that it is about.
import { html } from './lib.js';
import { Field } from './parts.js';
import { said } from './session.js';
import { t } from './text.js';

// The words at the fields that a refusal is about, by their names; {} where it is about none. `words`: of a field, as
// the body calls it, what is said where its value does not fit; of a problem's type, { field: words }.
/** @param {any} failed @param {Record<string, string | Record<string, string>>} words
 * @returns {Record<string, string>} */
export function wrongOf({ type, facts, wrong }, words) {
  const own = wrong ?? words[type];
  if (typeof own === 'object') return own;
  const names = (facts?.errors ?? []).map(({ field }) => field);
  return Object.fromEntries(names.filter((name) => words[name]).map((name) => [name, words[name]]));
}

// Of a form: { wrong } where the refusal is about its fields, else a notice.
export function saidAt(failed, kind, words) {
  const wrong = wrongOf(failed, words);
  return Object.keys(wrong).length ? { wrong } : said(failed, kind);
}

// Refuses before anything is sent what was left empty, all of it at once. `words`: what is said of a field then.
export function mustFill(written, words) {
  const empty = Object.entries(words).filter(([name]) => !written[name]?.trim());
  if (empty.length) throw Object.assign(new Error('empty'), { wrong: Object.fromEntries(empty) });
}

export const Password = ({ id = 'password', label = t('password'), ...input }) =>
  html`<${Field} id=${id} type="password" label=${label} maxlength="128" ...${input} />`;
