// What was written into the fields of a dialog, as a service takes it.

const LAST_MOMENT = 'T23:59:59'; // a day that something is due on is over then

/** @type {Record<string, (text: string, field: GivenField) => any>} undefined: not to be understood */
const KINDS = {
  reason: (text) => text,
  text: (text) => text,
  label: (text) => (/^[0-9-]*[A-Za-z][A-Za-z0-9-]*$/.test(text) ? text : undefined), // as the bike service takes it
  choice: (text) => text,
  day: (text) => instant(`${text}${LAST_MOMENT}`),
  moment: instant,
  amount: (text, { least = 1, most }) => whole(text, least, most) || undefined,
  degrees: (text, { most = 180 }) =>
    /^-?[0-9]{1,3}(\.[0-9]{1,15})?$/.test(text) && Math.abs(Number(text)) <= most ? Number(text) : undefined,
  number: (text, { least = 0, most }) => whole(text, least, most),
};

/** @param {string} text @param {number} least */
function whole(text, least, most = Number.MAX_SAFE_INTEGER) {
  const bare = text.replaceAll(/[,\s원₩%]/g, '').replace('−', '-');
  const number = /^-?[0-9]{1,16}$/.test(bare) ? Number(bare) : NaN;
  return number >= least && number <= most ? number : undefined;
}

/** @param {string} local of the clock on the wall here */
function instant(local) {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** @type {Record<string, string>} */
const WRONG = { amount: 'wrongAmount', number: 'wrongAmount', degrees: 'wrongDegrees', label: 'wrongLabel' };

// { values, missing }: what was given by its names, and why a field can't be taken: the name of a text.
/** @param {Record<string, string>} written @param {GivenField[]} fields */
export function understoodFields(written, fields) {
  /** @type {Record<string, any>} */
  const values = {};
  /** @type {Record<string, string>} */
  const missing = {};
  for (const field of fields) {
    const text = (written[field.name] ?? '').trim();
    const value = text ? KINDS[field.kind](text, field) : undefined;
    if (value !== undefined) values[field.name] = value;
    else if (text) missing[field.name] = WRONG[field.kind] ?? 'wrongMoment';
    else if (field.kind === 'reason') missing[field.name] = 'reasonFirst';
    else if (field.required) missing[field.name] = 'fillThis';
  }
  return { values, missing };
}
