// How long ago and how long, as people say it.
import { now } from '../shared/clock.js';
import { language, lasting, t } from '../shared/text.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const tellers = {}; // a formatter costs more to make than all that it says on a page

export function ago(iso) {
  const ms = Math.max(0, now() - Date.parse(iso));
  tellers[language()] ??= new Intl.RelativeTimeFormat(language(), { numeric: 'auto', style: 'short' });
  const said = (unit, name) => tellers[language()].format(-Math.floor(ms / unit), name);
  if (ms < MINUTE) return t('justNow');
  if (ms < HOUR) return said(MINUTE, 'minute');
  return ms < DAY ? said(HOUR, 'hour') : said(DAY, 'day');
}

export const minutes = (iso) => Math.max(0, Math.floor((now() - Date.parse(iso)) / MINUTE));

export const since = (iso) => (minutes(iso) < 1 ? t('justNow') : lasting(minutes(iso) * MINUTE));
