// Reports as the staff's pages show them: one that waits, was refused or was taken, and lists of them.

import { queued, read, saidOf } from '../rider/taps.js';
import { html, useState } from '../shared/lib.js';
import { Battery, Icon, More, Notice, Status } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { moment, place, t } from '../shared/text.js';

const PAGE = 10; // at first

// What a report calls the faults, and their names here.
export const FAULTS = {
  brake: 'ofBrake',
  tyre: 'ofTyre',
  chain: 'ofChain',
  steering: 'ofSteering',
  light: 'ofLight',
  battery: 'ofBattery',
  lock: 'ofLock',
  seat: 'ofSeat',
  other: 'ofOther',
};
// What riders call more.
const COMPLAINTS = { ...FAULTS, dirty: 'ofDirty', missing: 'ofMissing', safety: 'ofSafety' };
const WHY = { unchanged: 'whyUnchanged', bike: 'whyBike', day: 'whyDay' };

// Why a report earned nothing; null where it did.
export const whyNot = ({ points, why }) => (points === 0 && WHY[why] ? t(WHY[why]) : null);

export const Seen = ({ one: { batterylevel, usableyn } }) =>
  html`<span class="seen">
    <${Battery} percent=${batterylevel} />
    ${usableyn !== null && html`<${Status} is=${usableyn ? 'usable' : 'fault'} />`}
  </span>`;

const stands = ({ location, lat }) => (location ? place(location) : typeof lat === 'number' ? t('byPosition') : null);

// What a report tells beside battery and fault, on one line.
export function told(one) {
  const words = [FAULTS[one.fault] && t(FAULTS[one.fault]), one.words, stands(one)];
  return words.filter(Boolean).join(' · ');
}

export function Waiting() {
  const { heldUntil, online } = useStore();
  const taps = queued();
  if (!taps.length) return null;
  const held = online && heldUntil;
  return html`<div class="card queue">
    ${
      held
        ? html`<${Notice} tone="warn" text=${t('heldSay', taps.length)} until=${heldUntil} />`
        : html`<h2>${t(online ? 'sending' : 'inLine', taps.length)}</h2>`
    }
    <ul>
      ${taps.map(
        ({ key, body }) => html`<li key=${key}>
          <span class="grow">${t('number', body.bikeid)}</span><${Seen} one=${body} />
        </li>`,
      )}
    </ul>
  </div>`;
}

export const Refused = ({ one }) =>
  html`<div class="refused">
    <${Notice} ...${saidOf(one)} />
    <p class="soft">
      <span class="grow">${t('notReported', one.body.bikeid)}</span>
      <button class="link" type="button" onClick=${() => read(one)}>${t('close')}</button>
    </p>
  </div>`;

export const Complaints = ({ complaints }) =>
  html`<ul class="card lines">
    ${complaints.map(
      ({ complaintid, kind, words, at }) => html`<li key=${complaintid}>
        <p>
          <span class="grow">
            <span class="main">${t(COMPLAINTS[kind] ?? 'ofOther')}</span>
            <span class="soft">${moment(at)}</span>
            ${words && html`<span class="soft told">${words}</span>`}
          </span>
        </p>
      </li>`,
    )}
  </ul>`;

export function Reports({ reports, bike }) {
  const [most, setMost] = useState(PAGE);
  return html`<ul class="card lines">
      ${reports.slice(0, most).map(
        (one) => html`<li key=${one.reportid}>
          <${bike ? 'p' : 'a'} href=${bike ? undefined : `#/staff/bike/${one.bikeid}`}>
            <span class="grow">
              <span class="main">${bike ? t('by', one.managerid) : t('number', one.bikeid)}</span>
              ${one.at && html`<span class="soft">${moment(one.at)}</span>`}
              ${told(one) && html`<span class="soft told">${told(one)}</span>`}
              ${!bike && whyNot(one) && html`<span class="soft told">${whyNot(one)}</span>`}
            </span>
            <${Seen} one=${one} />
            ${!bike && html`<${Icon} name="next" />`}
          <//>
        </li>`,
      )}
    </ul>
    ${reports.length > most && html`<${More} onClick=${() => setMost(most + PAGE)} />`}`;
}
