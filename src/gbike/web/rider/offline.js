// What a return costs that was tapped without a line: the ride ends at the tap where that comes within a few minutes,
// else when it comes (services/rent/domain.py, offline_return_s).
import { now } from '../shared/clock.js';
import { html, useTick } from '../shared/lib.js';
import { fee } from '../shared/rental.js';
import { Offline } from '../shared/shell.js';
import { state, useStore } from '../shared/state.js';
import { lasting, t, won } from '../shared/text.js';
import { waiting } from './taps.js';

const HONOURED_MS = 300_000;

// The moment at which a ride ends or would end, and whether that is the tap of a return that waits.
function endOf(rent) {
  const tap = waiting().find(({ kind, path }) => kind === 'return' && path === `/rents/${rent.rentid}`);
  const at = Date.parse(tap?.tappedat);
  const isTap = now() - at <= HONOURED_MS;
  return { at: isTap ? at : now(), isTap, isLate: Boolean(tap) && !isTap };
}

export const riddenMs = (rent) => Math.max(0, endOf(rent).at - Date.parse(rent.starttime));

// Said before the tap, and while it waits.
export function charged(rent) {
  if (!rent || !state.tariff) return '';
  const { isTap, isLate } = endOf(rent);
  const name = isTap ? 'chargedAtTap' : isLate ? 'chargedLate' : 'chargedNow';
  return t(name, won(fee(state.tariff, riddenMs(rent))), lasting(HONOURED_MS));
}

// What waits for a line.
export function Held() {
  const { open } = useStore();
  useTick(1000);
  const taps = waiting();
  const tap = taps.find(({ kind }) => kind !== 'report') ?? taps[0];
  const kind = tap?.kind === 'pay' ? 'topUp' : tap?.kind;
  const rent = kind === 'return' && open?.find(({ rentid }) => tap.path === `/rents/${rentid}`);
  const said = t(kind ? `waiting_${kind}` : 'offline', taps.length);
  return html`<${Offline} text=${[said, charged(rent)].filter(Boolean).join(' ')} />`;
}
