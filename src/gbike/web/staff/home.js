// Where a round begins: what waits to be sent, what was refused, the points, and what was reported.
import { html, useEffect, useState } from '../lib.js';
import { NumberForm } from '../me.js';
import { Battery, Big, Empty, Failed, Icon, Loading, Notice, Status, Top } from '../parts.js';
import { queued, read, refusals, saidOf } from '../reports.js';
import { useStore } from '../store.js';
import { moment, t } from '../text.js';
import { be, readManager, readReports } from './manager.js';

const PAGE = 10;
let last = {}; // whose reports these are, and what was known of them before

export function HomePage() {
  const { mode, manager, outcomes } = useStore();
  const [, know] = useState(null);
  const [failed, fail] = useState(false);
  const load = async () => {
    const wrong = await readManager();
    fail(Boolean(wrong));
  };
  const managerid = manager?.managerid;
  const reports = last.managerid === managerid ? last.reports : null;
  const done = Object.values(outcomes).filter(Boolean).length;
  useEffect(() => {
    load();
  }, [done]);
  useEffect(() => {
    const known = (found) => know((last = { managerid, reports: found }));
    if (managerid) readReports({ managerid }).then(known, () => fail(true));
  }, [managerid, done]);
  if (manager && !managerid)
    return html`<section class="page">
      <${Top} title=${t('staff')} />
      <${Empty} icon="person" title=${t('noManager')} hint=${t('noManagerHint')} />
    </section>`;
  return html`<section class="page">
    <${Top} title=${t('staff')} />
    <${Waiting} />
    ${refusals().map((one) => html`<${Refused} key=${one.key} one=${one} />`)}
    <div class="card money">
      <p><span class="soft">${t('myPoints')}</span><strong>${manager?.point === undefined ? '–' : t('points', manager.point)}</strong></p>
      <a class="small-button" href="#/staff/points">${t('toDeposit')}</a>
    </div>
    <h2>${t('myReports')}</h2>
    ${!reports?.length && failed && html`<${Failed} again=${load} />`}
    ${!reports && !failed && html`<${Loading} rows=${3} />`}
    ${reports && !reports.length && !failed && html`<${Empty} icon="wrench" title=${t('noReports')} hint=${t('noReportsHint')} />`}
    ${reports?.length > 0 && html`<${Reports} reports=${reports} />`}
    ${mode === 'demo' && html`<${NumberForm} key=${managerid} id="manager" label=${t('managerNumber')} hint=${t('managerHint')} value=${managerid} save=${be} />`}
    <div class="dock"><${Big} icon="scan" label=${t('start')} href="#/staff/number" /></div>
  </section>`;
}

export function Waiting() {
  const { held, online } = useStore();
  const taps = queued();
  if (!taps.length) return null;
  return html`<div class="card queue">
    ${online && held ? html`<${Notice} tone="warn" text=${t('heldSay', taps.length)} until=${held} />` : html`<h2>${t(online ? 'sending' : 'inLine', taps.length)}</h2>`}
    <ul>
      ${taps.map(({ key, body }) => html`<li key=${key}><span class="grow">${t('number', body.bikeid)}</span><${Seen} one=${body} /></li>`)}
    </ul>
  </div>`;
}

const Refused = ({ one }) =>
  html`<div class="refused">
    <${Notice} ...${saidOf(one)} />
    <p class="soft"><span class="grow">${t('notReported', one.body.bikeid)}</span><button class="link" type="button" onClick=${() => read(one)}>${t('close')}</button></p>
  </div>`;

export const Seen = ({ one }) =>
  html`<span class="seen"><${Battery} percent=${one.batterylevel} />${one.usableyn !== null && html`<${Status} is=${one.usableyn ? 'usable' : 'fault'} />`}</span>`;

export function Reports({ reports, bike }) {
  const [most, more] = useState(PAGE);
  return html`<ul class="card lines">
      ${reports.slice(0, most).map(
        (one) => html`<li key=${one.reportid}>
          <${bike ? 'p' : 'a'} href=${bike ? undefined : `#/staff/bike/${one.bikeid}`}>
            <span class="grow">
              <span class="main">${bike ? t('by', one.managerid) : t('number', one.bikeid)}</span>
              ${one.at && html`<span class="soft">${moment(one.at)}</span>`}
            </span>
            <${Seen} one=${one} />
            ${!bike && html`<${Icon} name="next" />`}
          <//>
        </li>`,
      )}
    </ul>
    ${reports.length > most && html`<${Big} kind="quiet" label=${t('more')} onClick=${() => more(most + PAGE)} />`}`;
}
