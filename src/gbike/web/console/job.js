// What the pages make of an import as the service tells it: what can be written, and what became of a row.

/** @typedef {Record<string, string>} Said in each language */
/** @typedef {{ name: string, field?: string | null }} Column */

export const OUTCOMES = ['registered', 'changed', 'unchanged', 'refused'];

/** @param {{ state: string }} job */
export const isOver = ({ state }) => state === 'done' || state === 'refused';

// What each column is taken for, by its name; '' where it is not read.
/** @param {{ columns: Column[] }} job @returns {Record<string, string>} */
export const columnsOf = ({ columns }) => Object.fromEntries(columns.map(({ name, field }) => [name, field ?? '']));

// How many bikes are written when this dry run is taken as it is: none before all of it is known.
/** @param {{ state: string, questions: any[], registered: number, changed: number }} job */
export const writable = (job) => (isOver(job) && !job.questions.length ? job.registered + job.changed : 0);

// Why something of a row is not as the file says, in one language, and whether that is to be looked at. A bike that is
// there already stays as somebody chose.
/** @param {{ outcome: string, problems: Said[], noposition: Said | null }} row @param {string} language */
export function verdictOf({ outcome, problems, noposition }, language) {
  const some = noposition ? [...problems, noposition] : problems;
  const reasons = some.map((one) => one[language]);
  const isBad = outcome === 'refused';
  const isSaid = isBad || (outcome === 'unchanged' && problems.length > 0);
  return { reasons, isBad, isSaid, isDoubtful: isBad || Boolean(noposition) || (!isSaid && reasons.length > 0) };
}
