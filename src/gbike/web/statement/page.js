// Every movement of the deposit in words, newest first, with the balance after each: the lines add up to it.
import { ask, askMaybe } from '../shared/api.js';
import { html, useRead, useState } from '../shared/lib.js';
import { Empty, Icon, Loaded, More, Page } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { lasting, moment, t, won } from '../shared/text.js';
import { corrections, why } from './refunds.js';

const PAGE = 20;
const TRIES = 3;
const CAUSES = {
  bill: 'byFee',
  billCorrection: 'byRefund',
  topUp: 'byTopUp',
  payment: 'byTopUp',
  conversion: 'byPoints',
  adjustment: 'byOperator',
  correction: 'byOperator',
  opening: 'byOpening',
};
const NONE = { _embedded: { entries: [] }, page: { totalElements: 0 } }; // an account begins with its first movement

// The balance is what it was before and after the movements were read, so that these are all that made it.
async function read(userid, size) {
  const of = `/userDeposits/${userid}`;
  const balance = async () => (await askMaybe(of))?.deposit ?? 0;
  for (let tries = 1; ; tries += 1) {
    const before = await balance();
    const moved = await askMaybe(`${of}/entries?size=${size}`, NONE);
    const deposit = await balance();
    if (deposit === before || tries === TRIES)
      return { deposit, entries: moved._embedded.entries, total: moved.page.totalElements };
  }
}

// Which rides the movements are of, by number, and why something was given back, by correction.
async function told(userid, entries) {
  const find = `/rentAndBillingViews/search/findByUserid?userid=${userid}&size=${entries.length + PAGE}`;
  const of = new Set(entries.map(({ rentid }) => rentid).filter(Boolean));
  if (!of.size) return { rides: new Map(), reasons: new Map() };
  const lines = (await ask('GET', find))._embedded.rentAndBillingViews.filter(({ rentid }) => of.has(rentid));
  const made = await Promise.all(lines.filter(({ refunded }) => refunded).map(({ billid }) => corrections(billid)));
  return {
    rides: new Map(lines.map((line) => [line.rentid, line])),
    reasons: new Map(made.flat().map(({ correctionid, reason }) => [String(correctionid), reason])),
  };
}

export default function StatementPage() {
  const { who, changes } = useStore();
  const [size, setSize] = useState(PAGE);
  const seen = useRead(async () => {
    const found = await read(who.userid, size);
    return { ...found, ...(await told(who.userid, found.entries)) };
  }, [who.userid, size, changes]);
  return html`<${Page} title=${t('statement')} back="#/rides">
    <${Loaded} of=${seen} rows=${6}>
      ${(found) => html`<${Statement} ...${found} more=${() => setSize(size + PAGE)} />`}
    <//>
  <//>`;
}

function Statement({ deposit, entries, total, rides, reasons, more }) {
  if (!entries.length) return html`<${Empty} icon="wallet" title=${t('noMoves')} hint=${t('noMovesHint')} />`;
  let then = deposit;
  const lines = entries.map((entry) => {
    const line = { ...entry, balance: then };
    then -= entry.amount;
    return line;
  });
  return html`<div class="card money">
      <p><span class="soft">${t(deposit < 0 ? 'owed' : 'deposit')}</span><strong>${won(Math.abs(deposit))}</strong></p>
      <p class="soft">${t('statementHint')}</p>
    </div>
    <ul class="card lines">
      ${lines.map(
        (line) => html`<${Line} key=${line.entryid} ride=${rides.get(line.rentid)} reasons=${reasons} ...${line} />`,
      )}
    </ul>
    ${total > entries.length && html`<${More} onClick=${more} />`}`;
}

function Line({ cause, amount, at, rentid, balance, ride, reasons }) {
  const [kind, number] = cause.split(':');
  const reason = kind === 'billCorrection' && reasons.get(number);
  const { bikeid, rentStarttime: start, rentEndTime: end } = ride ?? {};
  const about = [
    ...(bikeid ? [t('number', bikeid)] : []),
    ...(start && end && kind === 'bill' ? [lasting(Date.parse(end) - Date.parse(start))] : []),
  ];
  const inside = html`<span class="grow">
      <span class="main">${t(CAUSES[kind] ?? 'byOther')}</span>
      <span class="soft">${moment(at)}</span>
      ${about.length > 0 && html`<span class="soft">${about.join(' · ')}</span>`}
      ${reason && html`<span class="soft">${why(reason)}</span>`}
      <span class="soft">${t('balanceThen', won(balance))}</span>
    </span>
    <span class="fee" data-won=${amount} data-balance=${balance}>${amount > 0 ? '+' : ''}${won(amount)}</span>`;
  return html`<li>
    ${rentid ? html`<a href="#/rides/${rentid}">${inside}<${Icon} name="next" /></a>` : html`<p>${inside}</p>`}
  </li>`;
}
