// Points, what they came from, and turning them into deposit.
import { convert } from '../actions.js';
import { ask } from '../api.js';
import { html, useEffect, useState } from '../lib.js';
import { Big, Empty, Failed, Loading, Top } from '../parts.js';
import { useStore } from '../store.js';
import { moment, t, won } from '../text.js';
import { readEntries, readManager } from './manager.js';

const PAGE = 20;
const AMOUNTS = [1_000, 5_000, 10_000];
const TRIES = 20; // half a second apart: a conversion is in the deposit within a second or two

export function PointsPage() {
  const { manager, busy, notice } = useStore();
  const [chosen, choose] = useState(null);
  const [failed, fail] = useState(false);
  const load = async () => fail(Boolean(await readManager()));
  useEffect(() => {
    load();
  }, [notice]);
  const point = manager?.point;
  const amounts = point ? [...AMOUNTS.filter((one) => one < point), point] : [];
  const amount = amounts.includes(chosen) ? chosen : point;
  const send = (event) => {
    event.preventDefault();
    if (!busy && point) convert(manager, amount);
  };
  return html`<form class="page" onSubmit=${send}>
    <${Top} title=${t('myPoints')} back="#/staff" />
    ${point === undefined && (failed ? html`<${Failed} again=${load} />` : html`<${Loading} rows=${3} />`)}
    ${point !== undefined &&
    html`<div class="card money">
      <p><span class="soft">${t('myPoints')}</span><strong>${t('points', point)}</strong></p>
      ${manager.userid && html`<${Deposit} userid=${manager.userid} point=${point} />`}
    </div>`}
    ${point === 0 && html`<${Empty} icon="wallet" title=${t('noPoints')} hint=${t('noPointsHint')} />`}
    ${point > 0 &&
    html`<fieldset class="amounts">
        <legend>${t('howMany')}</legend>
        ${amounts.map(
          (one) => html`<label key=${one} class=${one === amount ? 'on' : ''}>
            <input type="radio" name="amount" value=${one} checked=${one === amount} onChange=${() => choose(one)} />
            <span>${one === point ? t('allPoints', point) : t('points', one)}</span>
          </label>`,
        )}
      </fieldset>
      <p class="soft">${t('onePointOneWon')}</p>`}
    ${manager?.userid && html`<${Movements} managerid=${manager.managerid} point=${point} />`}
    ${point > 0 && html`<div class="dock"><${Big} type="submit" label=${t('convert', won(amount))} busyLabel=${t('converting')} busy=${busy?.kind === 'convert'} /></div>`}
  </form>`;
}

// Read again until what was converted has arrived.
function Deposit({ userid, point }) {
  const [deposit, know] = useState(null);
  useEffect(() => {
    let gone = false;
    (async () => {
      for (let tries = 0, before; tries < TRIES && !gone; tries += 1) {
        const found = await ask('GET', `/userDeposits/${userid}`).catch(() => null);
        if (found && !gone) know(found.deposit);
        before ??= deposit;
        if (found && (before === null || found.deposit !== before)) return;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    })();
    return () => {
      gone = true;
    };
  }, [userid, point]);
  return html`<p class="right"><span class="soft">${t('deposit')}</span><strong aria-live="polite">${deposit === null ? '–' : won(deposit)}</strong></p>`;
}

function Movements({ managerid, point }) {
  const [known, know] = useState(null);
  const [size, more] = useState(PAGE);
  useEffect(() => {
    readEntries(managerid, size).then(know, () => {});
  }, [managerid, point, size]);
  if (!known?.entries.length) return null;
  return html`<h2>${t('movements')}</h2>
    <ul class="card lines">
      ${known.entries.map(
        ({ entryid, cause, amount, at }) => html`<li key=${entryid}>
          <p><span class="grow"><span class="main">${named(cause)}</span><span class="soft">${moment(at)}</span></span><span class="fee">${amount > 0 ? '+' : amount < 0 ? '−' : ''}${t('points', Math.abs(amount))}</span></p>
        </li>`,
      )}
    </ul>
    ${known.total > known.entries.length && html`<${Big} kind="quiet" label=${t('more')} onClick=${() => more(size + PAGE)} />`}`;
}

function named(cause) {
  const [kind, number] = cause.split(':');
  return { report: () => t('forReport', number), conversion: () => t('toDepositDone') }[kind]?.() ?? t('opening');
}
