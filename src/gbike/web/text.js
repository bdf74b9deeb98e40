// Words in the rider's language, and numbers, places and times as people write them there.
import { en } from './en.js';
import { ko } from './ko.js';
import { keep, kept, set } from './store.js';

const BOOKS = { ko, en };
let chosen = null;

export const language = () => chosen;
export const t = (name, ...facts) => {
  const words = BOOKS[chosen][name];
  return typeof words === 'function' ? words(...facts) : words;
};

// Pages of their own, or that are loaded later, bring their words with them.
export const learn = (words) => Object.keys(BOOKS).forEach((lang) => Object.assign(BOOKS[lang], words[lang]));

export function speak(lang) {
  chosen = lang;
  document.documentElement.lang = lang;
  keep('language', lang);
  set({});
}

// As the browser asks for it in Accept-Language, until the rider says otherwise.
export const preferred = () =>
  kept('language') ?? navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => BOOKS[tag]) ?? 'en';

export function won(amount) {
  const number = new Intl.NumberFormat(chosen).format(Math.abs(amount));
  const sign = amount < 0 ? '−' : '';
  return chosen === 'ko' ? `${sign}${number}원` : `${sign}₩${number}`;
}

// 3분 20초 · 3 min 20 s
export function lasting(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(s / 3600), t('hours')],
    [Math.floor(s / 60) % 60, t('minutes')],
    [s % 60, t('seconds')],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return `0${parts[2][1]}`;
  const shown = parts.slice(first, first === 0 ? 2 : 3).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(' ');
}

export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (count) => String(count).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  return `${hours ? `${hours}:` : ''}${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

export const moment = (iso) =>
  new Intl.DateTimeFormat(chosen, { month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' }).format(new Date(iso));

export const time = (iso) => new Intl.DateTimeFormat(chosen, { hour: 'numeric', minute: '2-digit' }).format(new Date(iso));

export function far(metres) {
  return metres < 1000 ? `${Math.round(metres / 10) * 10} m` : `${(metres / 1000).toFixed(1)} km`;
}

// Operators write 분당_정자역_1구역; people read it with spaces.
export const place = (name) => (name || t('nowhere')).replaceAll('_', ' ');

export const price = ({ krw, per_s: perS }) => t('price', won(krw), lasting(perS * 1000), perS === 60);
