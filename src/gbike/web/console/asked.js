// What the address of a list asks for: its filters, its order, its page. What it does not understand of an address it
// takes as not said, so that an old or mistyped one shows the list all the same.

const MOST_TEXT = 100;
const DAY = 86_400_000;
const USUAL_SIZE = 50;

const dayAt = (/** @type {string} */ day) => Date.parse(`${day}T00:00:00Z`);

// The day after: lists take the moment at which they end.
/** @param {string} day */
export const nextDay = (day) => new Date(dayAt(day) + DAY).toISOString().slice(0, 10);

/** @type {Record<string, (value: string, filter: Filter) => string>} */
const KINDS = {
  search: (value) => value.slice(0, MOST_TEXT),
  choice: (value, { options }) => (options?.some(([name]) => String(name) === value) ? value : ''),
  number: (value, { least = 1, most = Number.MAX_SAFE_INTEGER }) =>
    /^[0-9]{1,16}$/.test(value) && Number(value) >= least && Number(value) <= most ? String(Number(value)) : '',
  day: (value) => (/^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(dayAt(value)) ? value : ''),
  flag: (value) => (value === 'true' ? value : ''),
};
KINDS.lastDay = KINDS.day;

/** @param {Record<string, string>} query @param {Filter[]} filters @param {string[]} sorts @param {string} [usual]
 * @returns {Asked} */
export function understood(query, filters, sorts, usual = '') {
  const chosen = filters.map((filter) => [filter.id, KINDS[filter.kind](query[filter.id] ?? '', filter)]);
  const [by, way] = usual.split(',');
  const isOurs = sorts.includes(query.sort);
  const page = /^[1-9][0-9]{0,6}$/.test(query.page ?? '') ? Number(query.page) : 1;
  return {
    chosen: Object.fromEntries(chosen.filter(([, value]) => value)),
    sort: isOurs ? query.sort : by,
    down: isOurs ? Boolean(query.down) : way === 'desc',
    page,
  };
}

// What the service takes as filters: the day until which somebody looks is one of those that they see.
/** @param {Asked} asked @param {Filter[]} filters @param {Record<string, string | number>} fixed */
function narrowedTo({ chosen }, filters, fixed) {
  const said = filters
    .filter(({ id }) => chosen[id])
    .map(({ id, kind, param = id }) => [param, kind === 'lastDay' ? nextDay(chosen[id]) : chosen[id].trim()]);
  return [...Object.entries(fixed).map(([name, value]) => [name, String(value)]), ...said];
}

const joined = (/** @type {string} */ path, /** @type {string[][]} */ said) => {
  const some = said.filter(([, value]) => value !== '');
  return some.length ? `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(some)}` : path;
};

// The page of the list that is asked for.
/** @param {string} path @param {Asked} asked @param {Filter[]} filters
 * @param {Record<string, string | number>} [fixed] what is said of it in any case */
export function pageOf(path, asked, filters, fixed = {}, size = USUAL_SIZE) {
  const order = asked.sort ? [['sort', `${asked.sort},${asked.down ? 'desc' : 'asc'}`]] : [];
  const page = [
    ['size', String(size)],
    ['page', String(asked.page - 1)],
  ];
  return joined(path, [...narrowedTo(asked, filters, fixed), ...order, ...page]);
}

// All that fit, as a file.
/** @param {string} path @param {Asked} asked @param {Filter[]} filters @param {Record<string, string | number>} fixed
 * @param {string} encoding */
export const fileOf = (path, asked, filters, fixed, encoding) =>
  joined(path, [...narrowedTo(asked, filters, fixed), ['format', 'csv'], ['encoding', encoding]]);
