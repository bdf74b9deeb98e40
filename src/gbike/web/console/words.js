// How long ago, how long, and how many, as people say it.
import { now } from '../clock.js';
import { language, lasting, t } from '../text.js';

const MINUTE = 60_000;
const tellers = {}; // a formatter costs more to make than all that it says on a page

export function ago(iso) {
  const ms = Math.max(0, now() - Date.parse(iso));
  const told = (tellers[language()] ??= new Intl.RelativeTimeFormat(language(), { numeric: 'auto', style: 'short' }));
  if (ms < MINUTE) return t('justNow');
  if (ms < 60 * MINUTE) return told.format(-Math.floor(ms / MINUTE), 'minute');
  if (ms < 1440 * MINUTE) return told.format(-Math.floor(ms / (60 * MINUTE)), 'hour');
  return told.format(-Math.floor(ms / (1440 * MINUTE)), 'day');
}

export const minutes = (iso) => Math.max(0, Math.floor((now() - Date.parse(iso)) / MINUTE));

export const since = (iso) => (minutes(iso) < 1 ? t('justNow') : lasting(minutes(iso) * MINUTE));

export const stamp = (iso) =>
  new Intl.DateTimeFormat(language(), { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso));

export const many = (count) => new Intl.NumberFormat(language()).format(count);
