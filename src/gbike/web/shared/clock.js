// The server's time, from the Date of its answers: rides are billed by its clock, not by the phone's.
// Each answer says it to a second; where several agree it is known better than that.
// What was known before a reload, or when the pages were open last, counts until the next answer.
import { keepLast, lastKnown } from './kept.js';

let [least, most] = [-Infinity, Infinity];
let offset = lastKnown('offset') ?? NaN;

export function heard(date, sentMs, gotMs) {
  const said = Date.parse(date);
  if (Number.isNaN(said)) return;
  const [low, high] = [said - gotMs, said + 1000 - sentMs];
  [least, most] = low > most || high < least ? [low, high] : [Math.max(least, low), Math.min(most, high)];
  offset = (least + most) / 2;
  keepLast('offset', offset);
}

export const known = () => !Number.isNaN(offset);
export const now = () => Date.now() + (known() ? offset : 0);
