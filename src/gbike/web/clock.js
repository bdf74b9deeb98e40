// The server's time, from the Date of its answers: rides are billed by its clock, not by the phone's.
// Each answer says it to a second; where several agree it is known better than that.
// What was known before a reload counts until the next answer.
import { keepHere, keptHere } from './store.js';

let [least, most] = [-Infinity, Infinity];
let offset = Number.parseFloat(keptHere('offset'));

export function heard(date, sentMs, gotMs) {
  const said = Date.parse(date);
  if (Number.isNaN(said)) return;
  const [low, high] = [said - gotMs, said + 1000 - sentMs];
  [least, most] = low > most || high < least ? [low, high] : [Math.max(least, low), Math.min(most, high)];
  offset = (least + most) / 2;
  keepHere('offset', offset);
}

export const known = () => !Number.isNaN(offset);
export const now = () => Date.now() + (known() ? offset : 0);

// As billing computes it (services/billing/domain.py): whole intervals, or begun ones and one at least.
export function fee({ krw, per_s: perS, rounding }, riddenMs) {
  const ridden = Math.max(0, riddenMs);
  const whole = Math.floor(ridden / (perS * 1000));
  return krw * (rounding === 'ceil' ? Math.max(1, Math.ceil(ridden / (perS * 1000))) : whole);
}
