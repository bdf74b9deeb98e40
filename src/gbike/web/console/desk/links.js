// Numbers that lead on, and how rides and bills are told in a table.
import { html } from '../../shared/lib.js';
import { Icon, Status } from '../../shared/parts.js';
import { lasting, stamp, t, won } from '../../shared/text.js';
import { minutes, since } from '../words.js';

export const Ride = ({ rentid }) => html`<a class="link" href="#/ride/${rentid}">${t('rideNo', rentid)}</a>`;
export const Bill = ({ billid }) => html`<a class="link" href="#/bill/${billid}">${t('billNo', billid)}</a>`;
export const Bike = ({ bikeid }) => html`<a class="link" href="#/bike/${bikeid}">${t('number', bikeid)}</a>`;
export const Soft = ({ children }) => html`<span class="soft">${children}</span>`;
export const Sum = ({ krw }) =>
  html`<strong class="sum">${krw === null || krw === undefined ? '–' : won(krw)}</strong>`;

// What was charged, and what of it was given back.
export const Fee = ({ of: { fee, refunded } }) =>
  html`<${Sum} krw=${fee} />${refunded > 0 && html`<span class="soft refunded"> −${won(refunded)}</span>`}`;

const RIDES = { rented: ['taken', 'clock'], returned: ['free', 'check'], cancelled: ['gone', 'alert'] };

// How long an open ride has lasted, or how it ended.
export function RideState({ rent: { status, starttime, overdue, voided, endedby } }) {
  if (status === 'rented') {
    const [tone, icon] = overdue ? ['late', 'alert'] : RIDES.rented;
    const more = overdue && html`<span class="late-word"> · ${t('overdue')}</span>`;
    return html`<span class="status ${tone}"><${Icon} name=${icon} />${since(starttime)}${more}</span>`;
  }
  const isVoid = voided || endedby === 'void';
  const [tone, icon] = isVoid ? ['gone', 'alert'] : (RIDES[status] ?? RIDES.cancelled);
  const words = t(isVoid ? 'ride_void' : `ride_${status}`);
  return html`<span class="status ${tone}"><${Icon} name=${icon} />${words}</span>`;
}

export const lasted = ({ starttime: start, endtime: end }) =>
  end ? lasting(Math.max(0, Date.parse(end) - Date.parse(start))) : lasting(minutes(start) * 60_000);

export const BillState = ({ end, status }) =>
  html`<${Status} is=${!end ? 'open' : status === 'CLOSEBILL' ? 'settled' : 'settling'} />`;

export const Moment = ({ at }) => html`<${Soft}>${at ? stamp(at) : '–'}<//>`;

// From when to when, as every list takes it.
/** @returns {Filter[]} */
export const during = () => [
  { id: 'from', kind: 'day', label: t('fromDay') },
  { id: 'to', kind: 'lastDay', label: t('toDay') },
];

// The orders of a list whose rows begin at some moment: by number, or of some days by their beginning, as their service
// has them so without sorting. What `some` are sorted by else.
/** @param {Record<string, string>} query @param {string} number @param {string[]} [some] */
export const ordered = (query, number, some = []) =>
  query.from || query.to
    ? { sorts: ['starttime'], usual: 'starttime,desc' }
    : { sorts: [number, ...some, 'starttime'], usual: `${number},desc` };
