// What riders and operators see of bikes and rides: how a bike is, whether it is known where, and what a ride costs.
export const FREE = '사용가능';
export const TAKEN = '사용중';
export const BROKEN = '불량';
/** @type {Record<string, 'free' | 'taken' | 'broken'>} */
const STATUSES = { [FREE]: 'free', [TAKEN]: 'taken', [BROKEN]: 'broken' };

/** @param {string | null} [status] */
export const wordOf = (status) => STATUSES[status ?? ''] ?? 'broken';

// Who rides it is known earlier than what the bike says of itself.
/** @param {Bike} bike @param {Map<number, Rent> | null} [rides] under way, by their bikes */
export function statusOf({ bikeid, retired, status }, rides) {
  if (rides?.has(bikeid)) return 'taken';
  return retired ? 'gone' : wordOf(status);
}

/** @param {{ lat?: number | null, lon?: number | null }} one */
export const isPlaced = ({ lat, lon }) => typeof lat === 'number' && typeof lon === 'number';

// As billing computes it (services/billing/domain.py): whole intervals, or begun ones and one at least.
/** @param {Tariff} tariff @param {number} riddenMs */
export function fee({ krw, per_s: perS, rounding }, riddenMs) {
  const intervals = Math.max(0, riddenMs) / (perS * 1000);
  return krw * (rounding === 'ceil' ? Math.max(1, Math.ceil(intervals)) : Math.floor(intervals));
}

// In how many milliseconds it costs more, and how much then.
/** @param {Tariff} tariff @param {number} riddenMs */
export function nextFee(tariff, riddenMs) {
  const interval = tariff.per_s * 1000;
  const leftMs = interval - (riddenMs % interval);
  return { leftMs, krw: fee(tariff, riddenMs + leftMs + (tariff.rounding === 'ceil' ? 1 : 0)) };
}
