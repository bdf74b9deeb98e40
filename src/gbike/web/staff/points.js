// Points: what reports earn, what they came from, and turning them into deposit.
import { convert } from '../rider/actions.js';
import { ask } from '../shared/api.js';
import { now } from '../shared/clock.js';
import { html, useEffect, useRead, useState } from '../shared/lib.js';
import { Amounts, Big, Empty, Loaded, More, Page } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { moment, t, won } from '../shared/text.js';
import { earnedLately, readEarning, readEntries, readManager, readReports } from './manager.js';

const MOVEMENTS = 20; // of points at first
const AMOUNTS = [1_000, 5_000, 10_000];
const TRIES = 20; // half a second apart: a conversion is in the deposit within a second or two

export const Points = ({ point }) =>
  html`<p>
    <span class="soft">${t('myPoints')}</span><strong>${point === undefined ? '–' : t('points', point)}</strong>
  </p>`;

export function PointsPage() {
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
    ${manager?.managerid && html`<${Earning} managerid=${manager.managerid} />`}
    ${manager?.userid && html`<${Movements} managerid=${manager.managerid} point=${point} />`}
    ${point > 0 && html`<div class="dock"><${Big} type="submit" ...${button} /></div>`}
  <//>`;
}

// What a report earns here, within which limits, and how much of a day's is used up.
function Earning({ managerid }) {
  const { found } = useRead(async () => {
    const [earning, reports] = await Promise.all([readEarning(), readReports({ managerid })]);
    return { ...earning, lately: earnedLately(reports, now()) };
  }, [managerid]);
  if (!found) return null;
  const limits = [found.per_bike > 0 && t('perBike', found.per_bike), found.per_day > 0 && t('perDay', found.per_day)];
  return html`<div class="card earning">
    <h2>${t('earning')}</h2>
    <p>${t(found.points_for === 'changes' ? 'forChange' : 'forEach', found.points)}</p>
    ${limits.filter(Boolean).map((one) => html`<p key=${one} class="soft">${one}</p>`)}
    <p class="lately"><span class="soft">${t('lately')}</span><strong>${t('points', found.lately)}</strong></p>
  </div>`;
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
