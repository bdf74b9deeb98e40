// Words in the rider's language, and numbers, places and times as people write them there.
import { en } from './en.js';
import { ko } from './ko.js';

/** @type {Record<string, Words>} */
const BOOKS = { ko, en };
let chosen = 'ko';

export const language = () => chosen;

export const use = (lang) => {
  chosen = lang;
};

export const t = (name, ...facts) => {
  const words = BOOKS[chosen][name];
  return typeof words === 'function' ? words(...facts) : words;
};

// What something is called in every language: whoever looks for it may know another name of it.
export const called = (name) =>
  Object.values(BOOKS).flatMap((book) => (typeof book[name] === 'string' ? book[name] : []));

// Pages of their own, or that are loaded later, bring their words with them.
export const learn = (words) => {
  for (const lang of Object.keys(BOOKS)) Object.assign(BOOKS[lang], words[lang]);
};

// As the browser asks for it in Accept-Language.
export const preferred = () => navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => BOOKS[tag]) ?? 'en';

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const TIMES = {
  time: { hour: 'numeric', minute: '2-digit' },
  moment: { month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' },
  day: { month: 'long', day: 'numeric' },
  stamp: { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
};
const kept = {};

// A list writes hundreds of times: to make a form of writing takes far longer than to use it.
function written(as, value) {
  const make = () => (as === 'number' ? new Intl.NumberFormat(chosen) : new Intl.DateTimeFormat(chosen, TIMES[as]));
  kept[chosen + as] ??= make();
  return kept[chosen + as].format(value);
}

export const many = (count) => written('number', count);

export function won(amount) {
  const sign = amount < 0 ? '−' : '';
  const number = many(Math.abs(amount));
  return chosen === 'ko' ? `${sign}${number}원` : `${sign}₩${number}`;
}

function parts(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
}

// 3분 20초 · 3 min 20 s
export function lasting(ms) {
  const units = [t('hours'), t('minutes'), t('seconds')];
  const said = parts(ms).map((count, at) => (count ? `${count}${units[at]}` : ''));
  const shown = said[0] ? said.slice(0, 2) : said;
  return shown.filter(Boolean).join(' ') || `0${units[2]}`;
}

// How long to wait: seconds, or whole minutes.
export const waitFor = (s) => lasting((s < 60 ? s : Math.ceil(s / 60) * 60) * 1000);

export function clock(ms) {
  const [hours, ...rest] = parts(ms);
  const shown = rest.map((count) => String(count).padStart(2, '0'));
  return [...(hours ? [hours] : []), ...shown].join(':');
}

export const time = (iso) => written('time', new Date(iso));

export const moment = (iso) => written('moment', new Date(iso));

export const day = (iso) => written('day', new Date(iso));

export const stamp = (iso) => written('stamp', new Date(iso));

export function far(metres) {
  return metres < 1000 ? `${Math.round(metres / 10) * 10} m` : `${(metres / 1000).toFixed(1)} km`;
}

// Operators write 분당_정자역_1구역; people read it with spaces.
export const place = (name) => (name || t('nowhere')).replaceAll('_', ' ');

// What stands on a bike: its number, and its label where it has one.
export const numbered = ({ bikeid, label }) => [t('number', bikeid), label].filter(Boolean).join(' · ');

export const price = ({ krw, per_s: perS }) => t('price', won(krw), lasting(perS * 1000), perS === 60);
