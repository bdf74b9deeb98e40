// What a return costs that was tapped without a line: the ride ends at the tap where that comes within a few minutes,
// else when it comes (services/rent/domain.py, offline_return_s).
import { now } from '../shared/clock.js';
import { html, useTick } from '../shared/lib.js';
import { fee } from '../shared/rental.js';
import { Offline } from '../shared/shell.js';
import { state, useStore } from '../shared/state.js';
import { lasting, t, won } from '../shared/text.js';
import { isQueued, waiting } from './taps.js';

const HONOURED_MS = 300_000;
const SECOND_MS = 1000;

// The moment at which a ride ends or would end, and how that is said: before the tap, of one that waits, of one that
// waits for too long, and not at all of one whose moment nobody knows.
function endOf(rent) {
  const tap = waiting().find(({ kind, path }) => kind === 'return' && path === `/rents/${rent.rentid}`);
  const at = Date.parse(tap?.tappedat);
  if (now() - at <= HONOURED_MS) return { at, name: 'chargedAtTap' };
  return { at: now(), name: tap ? at && 'chargedLate' : 'chargedNow' };
}

export const riddenMs = (rent) => Math.max(0, endOf(rent).at - Date.parse(rent.starttime));

function charged(rent) {
  const { name } = rent ? endOf(rent) : {};
  if (!name || !state.tariff) return '';
  return t(name, won(fee(state.tariff, riddenMs(rent))), lasting(HONOURED_MS));
}

export function Charged({ rent }) {
  useTick(SECOND_MS);
  return html`<p class="says">${charged(rent)}</p>`;
}

// What waits for a line.
export function Held() {
  const { open } = useStore();
  useTick(SECOND_MS);
  const taps = waiting();
  const tap = taps.find((one) => !isQueued(one)) ?? taps[0];
  const kind = tap?.kind === 'pay' ? 'topUp' : tap?.kind;
  const rent = kind === 'return' && open?.find(({ rentid }) => tap.path === `/rents/${rentid}`);
  const said = t(kind ? `waiting_${kind}` : 'offline', taps.length);
  return html`<${Offline} text=${[said, charged(rent)].filter(Boolean).join(' ')} />`;
}
