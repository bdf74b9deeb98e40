// The field staff's pages: a bike's number, two taps, the next bike; and what it brought them.
import { convert } from '../rider/actions.js';
import { NumberForm } from '../rider/me.js';
import { queued, read, refusals, report, saidOf } from '../rider/taps.js';
import NumberPage from '../scan/page.js';
import { ask } from '../shared/api.js';
import { html, useEffect, useRead, useState } from '../shared/lib.js';
import { Amounts, Battery, Big, Empty, Icon, Loaded, More, Notice, Page, Status, Wrong } from '../shared/parts.js';
import { statusOf } from '../shared/rental.js';
import { said } from '../shared/session.js';
import { keep, kept, set, state, useStore } from '../shared/state.js';
import { learn, moment, place, t, won } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';

learn({ ko, en });

export default function StaffPages({ at }) {
  const [, bikeid] = /^\/bike\/([0-9]+)$/.exec(at) ?? [];
  if (bikeid) return html`<${BikePage} key=${bikeid} bikeid=${bikeid} />`;
  if (at === '/number') return html`<${NumberPage} to="#/staff/bike/" back="#/staff" />`;
  if (at === '/points') return html`<${PointsPage} />`;
  return html`<${HomePage} />`;
}

// Where a round begins: what waits to be sent, what was refused, the points, and what was reported.

const FIRST_MANAGER = 1001; // of the small fleet that the demo begins with
const MOST = 1000; // one page of a collection

// In the demo a number that one types; else the account's, kept for a spell without a line.
async function number() {
  const { mode, who } = state;
  if (mode === 'demo') return kept('manager', FIRST_MANAGER);
  const known = kept('staff');
  if (known?.userid === who.userid) return known.managerid;
  const { managerid } = await ask('GET', `/accounts/${who.userid}`);
  if (managerid) keep('staff', { userid: who.userid, managerid });
  return managerid;
}

// Answers what went wrong. A manager whom nobody registered has no points yet, but may report.
async function readManager() {
  try {
    const managerid = await number();
    if (!managerid) set({ manager: {} });
    else if (state.manager?.managerid !== managerid) set({ manager: { managerid } });
    if (managerid) set({ manager: await ask('GET', `/bikeManagers/${managerid}`) });
    return null;
  } catch (failed) {
    if (failed.type === 'manager-unknown') set({ manager: { ...state.manager, point: 0 } });
    return failed.type === 'manager-unknown' ? null : failed;
  }
}

function be(managerid) {
  keep('manager', managerid);
  set({ manager: { managerid } });
  readManager();
}

// The newest reports of a manager, or of a bike. In the demo everybody's are answered.
async function readReports({ managerid = null, bikeid = null }) {
  const about = bikeid ? `&bikeid=${bikeid}` : '';
  const { _embedded } = await ask('GET', `/bikeManageApps?size=${MOST}&sort=reportid,desc${about}`);
  const fits = (one) => (bikeid ? String(one.bikeid) === bikeid : one.managerid === managerid);
  return _embedded.bikeManageApps.filter(fits);
}

async function readEntries(managerid, size) {
  const { _embedded, page } = await ask('GET', `/bikeManagers/${managerid}/entries?size=${size}`);
  return { entries: _embedded.entries, total: page.totalElements };
}

const PAGE = 10; // reports at first
const AGAIN_MS = [1000, 5000, 20_000];
let last = {}; // whose reports these are, and what was known of them before

function HomePage() {
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
    ${refusals().map((one) => html`<${Refused} key=${one.key} one=${one} />`)}
    <div class="card money">
      <${Points} point=${manager?.point} />
      <a class="small-button" href="#/staff/points">${t('toDeposit')}</a>
    </div>
    <h2>${t('myReports')}</h2>
    <${Loaded} of=${{ found: known, failed, again: load }} rows=${3}>
      ${(some) => (some.length ? html`<${Reports} reports=${some} />` : none)}
    <//>
    ${mode === 'demo' && html`<${NumberForm} key=${managerid} ...${number} />`}
    <div class="dock"><${Big} icon="scan" label=${t('start')} href="#/staff/number" /></div>
  <//>`;
}

const Points = ({ point }) =>
  html`<p>
    <span class="soft">${t('myPoints')}</span><strong>${point === undefined ? '–' : t('points', point)}</strong>
  </p>`;

function Waiting() {
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

const Refused = ({ one }) =>
  html`<div class="refused">
    <${Notice} ...${saidOf(one)} />
    <p class="soft">
      <span class="grow">${t('notReported', one.body.bikeid)}</span>
      <button class="link" type="button" onClick=${() => read(one)}>${t('close')}</button>
    </p>
  </div>`;

const Seen = ({ one: { batterylevel, usableyn } }) =>
  html`<span class="seen">
    <${Battery} percent=${batterylevel} />
    ${usableyn !== null && html`<${Status} is=${usableyn ? 'usable' : 'fault'} />`}
  </span>`;

function Reports({ reports, bike }) {
  const [most, setMost] = useState(PAGE);
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
    ${reports.length > most && html`<${More} onClick=${() => setMost(most + PAGE)} />`}`;
}

// One bike as the field staff stand before it: how it is, two taps, and the next one.

const STEPS = [100, 80, 60, 40, 20, 0].map((percent) => [percent, `${percent}%`]);

function BikePage({ bikeid }) {
  const { manager, online, outcomes } = useStore();
  const [key, setKey] = useState(null);
  const done = outcomes[key] === true;
  const read = useRead(
    async (_isWanted, show) => {
      readManager();
      const bike = await ask('GET', `/bikes/${bikeid}`);
      show({ bike, reports: read.found?.reports ?? [] });
      return { bike, reports: await readReports({ bikeid }) };
    },
    [done, online],
  );
  const { found, failed } = read;
  const waits = queued().some((tap) => String(tap.body.bikeid) === bikeid);
  const again = key && !waits && (() => setKey(null));
  const page = (inside) => html`<${Page} title=${t('number', bikeid)} back="#/staff">${inside}<//>`;
  if (failed?.type === 'bike-unknown')
    return page(html`<${Notice} ...${said(failed, 'report', { body: { bikeid } })} way=${null} />
      <div class="dock"><${Big} icon="scan" label=${t('recheck')} href="#/staff/number" /></div>`);
  return page(html`${
    found || online
      ? html`<${Loaded} of=${read} rows=${1}>${({ bike }) => html`<${Now} bike=${bike} />`}<//>`
      : html`<${Notice} tone="calm" text=${t('unseen')} />`
  }
    ${
      key || waits
        ? html`<${Came} what=${outcomes[key]} again=${again} />`
        : manager?.managerid &&
          html`<${Report} managerid=${manager.managerid} bikeid=${Number(bikeid)} onSend=${setKey} />`
    }
    ${found?.reports.length > 0 && html`<h2>${t('lastReports')}</h2><${Reports} reports=${found.reports} bike />`}`);
}

const Now = ({ bike }) =>
  html`<div class="card state">
    <p><${Status} is=${statusOf(bike)} /><${Battery} percent=${bike.batterylevel} /></p>
    <p class="soft"><${Icon} name="pin" />${place(bike.location)}</p>
  </div>`;

// The first tap says the charge, the second whether it may be ridden, and sends both.
function Report({ managerid, bikeid, onSend }) {
  const [percent, setPercent] = useState(null);
  const [wrong, setWrong] = useState(false);
  const send = (usableyn) => {
    if (percent !== null) return onSend(report({ managerid, bikeid, batterylevel: percent, usableyn }));
    setWrong(true);
    document.getElementsByName('battery')[0].focus();
  };
  const missing = wrong && percent === null;
  const battery = {
    legend: t('howFull'),
    options: STEPS,
    name: 'battery',
    kind: 'amounts steps',
    'aria-describedby': missing ? 'battery-wrong' : undefined,
  };
  return html`<${Amounts} chosen=${percent} onChoose=${setPercent} ...${battery} />
    ${missing && html`<${Wrong} id="battery-wrong" text=${t('batteryFirst')} />`}
    <div class="dock pair">
      <${Big} kind="fault" icon="wrench" label=${t('fault')} onClick=${() => send(false)} />
      <${Big} icon="check" label=${t('usable')} onClick=${() => send(true)} />
    </div>`;
}

// What came of it. The next bike is not where the two buttons were, so a second tap in gloves hits nothing.
function Came({ what, again }) {
  const next = html`<${Big} icon="scan" label=${t('nextBike')} href="#/staff/number" />`;
  if (what !== true && !(what?.why && again)) return html`<div class="came"><${Waiting} />${next}</div>`;
  return html`<div class="came">
    ${
      what === true
        ? html`<${Empty} icon="check" title=${t('reported')} hint=${t('reportedHint')} />`
        : html`<${Notice} ...${saidOf(what)} />`
    }
    ${next}
    <${Big} kind="quiet" label=${t('reportAgain')} onClick=${again} />
  </div>`;
}

// Points, what they came from, and turning them into deposit.

const MOVEMENTS = 20; // of points at first
const AMOUNTS = [1_000, 5_000, 10_000];
const TRIES = 20; // half a second apart: a conversion is in the deposit within a second or two

function PointsPage() {
  const { manager, busy, notice } = useStore();
  const [chosen, setChosen] = useState(null);
  const [failed, setFailed] = useState(false);
  const load = async () => setFailed(Boolean(await readManager()));
  useEffect(() => void load(), [notice]);
  const point = manager?.point;
  const amounts = point ? [...AMOUNTS.filter((one) => one < point), point] : [];
  const amount = amounts.includes(chosen) ? chosen : point;
  const options = amounts.map((one) => [one, one === point ? t('allPoints', point) : t('points', one)]);
  const send = (event) => {
    event.preventDefault();
    if (!busy && point) convert(manager, amount);
  };
  const button = { label: t('convert', won(amount ?? 0)), busyLabel: t('converting'), busy: busy?.kind === 'convert' };
  return html`<${Page} title=${t('myPoints')} back="#/staff" onSubmit=${send}>
    <${Loaded} of=${{ found: point ?? null, failed, again: load }} rows=${3}>
      ${() => html`<div class="card money">
        <${Points} point=${point} />
        ${manager.userid && html`<${Deposit} userid=${manager.userid} point=${point} />`}
      </div>`}
    <//>
    ${point === 0 && html`<${Empty} icon="wallet" title=${t('noPoints')} hint=${t('noPointsHint')} />`}
    ${
      point > 0 &&
      html`<${Amounts} legend=${t('howMany')} options=${options} chosen=${amount} onChoose=${setChosen} />
        <p class="soft">${t('onePointOneWon')}</p>`
    }
    ${manager?.userid && html`<${Movements} managerid=${manager.managerid} point=${point} />`}
    ${point > 0 && html`<div class="dock"><${Big} type="submit" ...${button} /></div>`}
  <//>`;
}

// Read again until what was converted has arrived.
function Deposit({ userid, point }) {
  const { found: deposit } = useRead(
    async (isWanted, show) => {
      for (let tries = 0, before = deposit; ; tries += 1) {
        const found = await ask('GET', `/userDeposits/${userid}`).catch(() => null);
        const now = found?.deposit ?? before;
        if ((now !== null && now !== before) || tries === TRIES || !isWanted()) return now;
        show(now);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    [userid, point],
  );
  return html`<p class="right">
    <span class="soft">${t('deposit')}</span>
    <strong aria-live="polite">${deposit === null ? '–' : won(deposit)}</strong>
  </p>`;
}

function Movements({ managerid, point }) {
  const [size, setSize] = useState(MOVEMENTS);
  const { found } = useRead(() => readEntries(managerid, size), [managerid, point, size]);
  if (!found?.entries.length) return null;
  return html`<h2>${t('movements')}</h2>
    <ul class="card lines">
      ${found.entries.map(
        ({ entryid, cause, amount, at }) => html`<li key=${entryid}>
          <p>
            <span class="grow"><span class="main">${named(cause)}</span><span class="soft">${moment(at)}</span></span>
            <span class="fee">${signed(amount)}</span>
          </p>
        </li>`,
      )}
    </ul>
    ${found.total > found.entries.length && html`<${More} onClick=${() => setSize(size + MOVEMENTS)} />`}`;
}

const signed = (amount) => `${amount > 0 ? '+' : amount < 0 ? '−' : ''}${t('points', Math.abs(amount))}`;

function named(cause) {
  const [kind, number] = cause.split(':');
  const words = { conversion: 'toDepositDone', correction: 'byHand' };
  return kind === 'report' ? t('forReport', number) : t(words[kind] ?? 'opening');
}
