// What a bill says, as its service writes it.

// "250/600s ceil": 250 won for each begun 10 minutes.
/** @param {string | null} [stamp] @returns {Tariff | null} */
export function tariffOf(stamp) {
  const [, krw, per, rounding] = /^([0-9]+)\/([0-9]+)s ([a-z]+)$/.exec(stamp ?? '') ?? [];
  return krw === undefined ? null : { krw: Number(krw), per_s: Number(per), rounding };
}

// What of a fee has not been given back yet.
/** @param {{ fee: number | null, refunded?: number }} bill */
export const leftOf = ({ fee, refunded = 0 }) => Math.max(0, (fee ?? 0) - refunded);

// What moved money or points, and the number it tells: "bill:7" → { kind: "bill", of: "7" }.
/** @param {string} cause */
export function causeOf(cause) {
  const [kind, of = ''] = cause.split(':');
  return { kind, of };
}
