// Where a round begins: what waits to be sent, what was refused or waited too long, the points, and what was reported.
import { NumberForm } from '../rider/me.js';
import { anew, isLate, read, refusals } from '../rider/taps.js';
import { html, useEffect, useState } from '../shared/lib.js';
import { Big, Empty, Loaded, Page } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { moment, t } from '../shared/text.js';
import { be, readManager, readReports } from './manager.js';
import { Points } from './points.js';
import { Refused, Reports, Seen, told, Waiting } from './reports.js';

const AGAIN_MS = [1000, 5000, 20_000];
let last = {}; // whose reports these are, and what was known of them before

export function HomePage() {
  const { mode, manager, outcomes } = useStore();
  const [, setKnown] = useState(null);
  const [failed, setFailed] = useState(false);
  const load = async () => setFailed(Boolean(await readManager()));
  const managerid = manager?.managerid;
  const reports = (last.managerid === managerid && last.reports) || null;
  const known = failed && !reports?.length ? null : reports;
  const done = Object.values(outcomes).filter(Boolean).length;
  useEffect(() => {
    load();
    const again = done ? AGAIN_MS.map((ms) => setTimeout(readManager, ms)) : []; // points come after the answer
    return () => again.forEach(clearTimeout);
  }, [done]);
  useEffect(() => {
    const know = (found) => {
      last = { managerid, reports: found };
      setKnown(last);
    };
    if (managerid) readReports({ managerid }).then(know, () => setFailed(true));
  }, [managerid, done]);
  if (manager && !managerid)
    return html`<${Page} title=${t('staff')}>
      <${Empty} icon="person" title=${t('noManager')} hint=${t('noManagerHint')} />
    <//>`;
  const none = html`<${Empty} icon="wrench" title=${t('noReports')} hint=${t('noReportsHint')} />`;
  const number = { id: 'manager', label: t('managerNumber'), hint: t('managerHint'), value: managerid, save: be };
  return html`<${Page} title=${t('staff')}>
    <${Waiting} />
    <${TooLate} />
    ${refusals().map((one) => !isLate(one) && html`<${Refused} key=${one.key} one=${one} />`)}
    <div class="card money">
      <${Points} point=${manager?.point} />
      <a class="small-button" href="#/staff/points">${t('toDeposit')}</a>
      <a class="link" href="#/staff/points">${t('whatEarns')}</a>
    </div>
    <h2>${t('myReports')}</h2>
    <${Loaded} of=${{ found: known, failed, again: load }} rows=${3}>
      ${(some) => (some.length ? html`<${Reports} reports=${some} />` : none)}
    <//>
    ${mode === 'demo' && (known || failed) && html`<${NumberForm} key=${managerid} ...${number} />`}
    <div class="dock"><${Big} icon="scan" label=${t('start')} href="#/staff/number" /></div>
  <//>`;
}

// Reports that waited longer than the services would tell a repeat from a new one: nobody but who made them knows
// whether they are still true.
function TooLate() {
  const late = refusals().filter(isLate);
  if (!late.length) return null;
  return html`<div class="card late">
    <h2>${t('tooLate', late.length)}</h2>
    <p class="soft">${t('tooLateHint')}</p>
    <ul>
      ${late.map(
        (one) => html`<li key=${one.key}>
          <p>
            <span class="grow">
              <span class="main">${t('number', one.body.bikeid)}</span>
              ${one.at && html`<span class="soft">${moment(one.at)}</span>`}
              ${told(one.body) && html`<span class="soft told">${told(one.body)}</span>`}
            </span>
            <${Seen} one=${one.body} />
          </p>
          <div class="deeds">
            <${Big} kind="quiet" label=${t('drop')} onClick=${() => read(one)} />
            <${Big} label=${t('sendAnew')} onClick=${() => anew(one)} />
          </div>
        </li>`,
      )}
    </ul>
  </div>`;
}
