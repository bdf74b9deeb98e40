// The server's time, from the Date of its answers: rides are billed by its clock, not by the phone's.
// Each answer says it to a second; where several agree it is known better than that.
let [least, most] = [-Infinity, Infinity];

export function heard(date, sentMs, gotMs) {
  const said = Date.parse(date);
  if (Number.isNaN(said)) return;
  const [low, high] = [said - gotMs, said + 1000 - sentMs];
  [least, most] = low > most || high < least ? [low, high] : [Math.max(least, low), Math.min(most, high)];
}

export const now = () => Date.now() + (Number.isFinite(least) ? (least + most) / 2 : 0);

// As billing computes it (services/billing/domain.py): whole intervals, or begun ones and one at least.
export function fee({ krw, per_s: perS, rounding }, riddenMs) {
  const ridden = Math.max(0, riddenMs);
  const whole = Math.floor(ridden / (perS * 1000));
  return krw * (rounding === 'ceil' ? Math.max(1, Math.ceil(ridden / (perS * 1000))) : whole);
}
