// A file of bikes, as a spreadsheet writes it: UTF-8 with or without a mark, quoted fields, commas, semicolons or tabs.
import { BROKEN, FREE, TAKEN } from '../shared/rental.js';

export const MOST_BYTES = 2_000_000;
export const MOST_ROWS = 10_000;

const NAMES = {
  bikeid: ['bikeid', 'bike', 'number', 'id', '번호', '자전거', '자전거번호'],
  location: ['location', 'place', 'zone', '위치', '장소', '구역'],
  batterylevel: ['batterylevel', 'battery', '배터리', '배터리잔량', '배터리레벨'],
  lat: ['lat', 'latitude', '위도'],
  lon: ['lon', 'lng', 'longitude', '경도'],
  status: ['status', '상태'],
};
/** @type {Record<string, string>} */
const STATUSES = { [FREE]: FREE, [TAKEN]: TAKEN, [BROKEN]: BROKEN, available: FREE, 'in use': TAKEN, broken: BROKEN };
const MOST_ID = 9_007_199_254_740_991;
const MOST_TEXT = 255;

export function cells(text) {
  const body = text.replace(/^\uFEFF/, '');
  const mark = [';', '\t', ','].find((one) => body.split(/\r?\n/, 1)[0].includes(one)) ?? ',';
  const rows = [['']];
  let quoted = false;
  const add = (text) => {
    const row = rows[rows.length - 1];
    row[row.length - 1] += text;
  };
  const cell = () => rows[rows.length - 1].at(-1) ?? '';
  for (let at = 0; at < body.length; at += 1) {
    const sign = body[at];
    if (quoted && sign === '"' && body[at + 1] === '"') {
      at += 1;
      add(sign);
    } else if (sign === '"' && (quoted || !cell().trim())) quoted = !quoted;
    else if (quoted) add(sign);
    else if (sign === mark) rows[rows.length - 1].push('');
    else if (sign === '\n') rows.push(['']);
    else if (sign !== '\r') add(sign);
  }
  return rows;
}

// As the service cleans what comes in: what is looked through is what will be kept.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\x01-\x1f\x7f-\x9f\ufff9-\ufffb\u2800]|\p{Default_Ignorable_Code_Point}/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const clean = (text) => text.replace(/[\t-\r\x1c-\x1e\x85\u2028\u2029]+/g, ' ').replace(UNSEEN, '');
const plain = (name) => name.toLowerCase().replace(/[\s_-]/g, '');
const known = (name) => Object.keys(NAMES).find((field) => NAMES[field].includes(plain(name))) ?? null;
const number = (text) => (/^-?[0-9]+([.,][0-9]+)?$/.test(text) ? Number(text.replace(',', '.')) : NaN);
const within = (low, high) => (value) => value >= low && value <= high;

const READ = {
  bikeid: [(text) => (/^[0-9]+$/.test(text) ? Number(text) : NaN), within(1, MOST_ID), 'badNumber'],
  batterylevel: [
    (text) => number(text.replace(/\s*%$/, '')),
    (value) => Number.isInteger(value) && within(0, 100)(value),
    'badBattery',
  ],
  lat: [number, within(-90, 90), 'badCoordinates'],
  lon: [number, within(-180, 180), 'badCoordinates'],
  location: [clean, (text) => text.length <= MOST_TEXT, 'longPlace'],
  status: [(text) => STATUSES[text.toLowerCase()], Boolean, 'badStatus'],
};

// What would be sent, and what is wrong with each row: { problem } of the whole file, or { rows, missing }.
export function dryRun(text, exists) {
  const [head, ...all] = cells(text);
  const lines = all
    .map((line, index) => ({ line, at: index + 2 }))
    .filter(({ line }) => line.some((one) => one.trim()));
  if (!text.trim()) return { problem: 'emptyFile' };
  const fields = head.map(known);
  if (!fields.includes('bikeid')) return { problem: 'noNumberColumn' };
  if (lines.length > MOST_ROWS) return { problem: 'longFile' };
  if (!lines.length) return { problem: 'emptyFile' };
  const seen = new Set();
  const rows = lines.map(({ line, at }) => {
    const { bike, problems } = read(fields, line);
    if (line.length > head.length) problems.push('tooManyFields');
    if (seen.has(bike.bikeid)) problems.push('twice');
    else if (exists(bike.bikeid)) problems.push('exists');
    if (bike.bikeid) seen.add(bike.bikeid);
    return { line: at, bike, sent: line.join(', '), problems: [...new Set(problems)] };
  });
  return { rows, missing: ['location', 'batterylevel', 'lat', 'lon'].filter((field) => !fields.includes(field)) };
}

function read(fields, line) {
  /** @type {Record<string, any>} */
  const bike = {};
  /** @type {string[]} */
  const problems = [];
  fields.forEach((field, index) => {
    const text = (line[index] ?? '').trim();
    if (!field || (!text && field !== 'bikeid')) return;
    const [parse, good, problem] = READ[field];
    const value = parse(text);
    if (good(value)) bike[field] = value;
    else problems.push(problem);
  });
  if ((bike.lat === undefined) !== (bike.lon === undefined)) problems.push('badCoordinates');
  return { bike, problems };
}
