// The bills, and a rider's money: what they have, and each movement of it.
import { ask } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
import { Facts, Notice, Page, Status } from '../shared/parts.js';
import { lasting, many, stamp, t, won } from '../shared/text.js';
import { Asking, Entries, Listed, useAsked, useList } from './lists.js';
import { Named, Rider, Table } from './parts.js';

export function MoneyPage() {
  const rider = useAsked('rider');
  return html`<${Page} title=${t('money')}>
    <${Asking} id="rider" label=${t('riderNumber')} hint=${t('riderAsk')} value=${rider} />
    ${rider ? html`<${Ledger} key=${rider} userid=${rider} />` : html`<${Bills} />`}
  <//>`;
}

export const RiderPage = ({ userid }) =>
  html`<${Page} title=${t('riderNo', userid)} back="#/money"><${Ledger} userid=${userid} /><//>`;

const state = (end, status) =>
  html`<${Status} is=${!end ? 'open' : status === 'CLOSEBILL' ? 'settled' : 'settling'} />`;
const sum = ({ fee }) => html`<strong class="sum">${fee === null ? '–' : won(fee)}</strong>`;

function Bills() {
  const list = useList('/billings?sort=billid,desc', 'billings');
  const began = ({ starttime: start, endtime: end }) => {
    const lasted = end ? ` · ${lasting(Date.parse(end) - Date.parse(start))}` : '';
    return html`<span class="soft">${stamp(start)}${lasted}</span>`;
  };
  const columns = [
    ['number', t('billName'), ({ billid }) => html`<strong>${billid}</strong>`],
    ['status', t('status'), (bill) => state(bill.endtime, bill.status)],
    ['battery', t('fee'), sum],
    ['place', t('riderName'), ({ userid }) => html`<${Rider} userid=${userid} />`],
    ['ride', t('rideName'), ({ rentid }) => html`<${Named} name=${t('rideName')}>${rentid}<//>`],
    ['seen', t('beganAt'), began],
  ];
  return html`<h2>${t('bills')}</h2>
    <${Listed} list=${list} icon="wallet" empty=${t('noBills')} hint=${t('noBillsHint')}>
      <${Table} label=${t('bills')} columns=${columns} rows=${list.rows} rowKey=${({ billid }) => billid} />
    <//>`;
}

function Ledger({ userid }) {
  const { found } = useRead(() => ask('GET', `/userDeposits/${userid}`), [userid]);
  const list = useList(`/userDeposits/${userid}/entries`, 'entries');
  const rides = useList(`/rentAndBillingViews/search/findByUserid?userid=${userid}`, 'rentAndBillingViews');
  const rows = [
    [t('riderName'), userid],
    [t('deposit'), found ? won(found.deposit) : '–'],
    rides.rows && [t('rides'), many(rides.total)],
  ];
  return html`<div class="card"><${Facts} rows=${rows} /></div>
    <h2>${t('ledger')}</h2>
    ${
      list.failed?.status === 404
        ? html`<${Notice} tone="calm" text=${t('noLedger', userid)} />`
        : html`<${Listed} list=${list} icon="wallet" empty=${t('noEntries')} hint=${t('noEntriesHint')}>
            <${Entries} list=${list} shown=${won} />
          <//>`
    }
    <h2>${t('rides')}</h2>
    <${Rides} list=${rides} />`;
}

function Rides({ list }) {
  const bike = ({ bikeid }) => html`<a class="link" href="#/bike/${bikeid}">${t('number', bikeid)}</a>`;
  const columns = [
    ['number', t('rideName'), ({ rentid }) => html`<strong>${rentid}</strong>`],
    ['status', t('status'), (ride) => state(ride.rentEndTime, ride.billingStatus)],
    ['battery', t('fee'), sum],
    ['place', t('bikeName'), bike],
    ['seen', t('beganAt'), ({ rentStarttime: at }) => html`<span class="soft">${at ? stamp(at) : '–'}</span>`],
  ];
  return html`<${Listed} list=${list} icon="clock" empty=${t('noRides')} hint=${t('noRidesHint')}>
    <${Table} label=${t('rides')} columns=${columns} rows=${list.rows} rowKey=${({ rentid }) => rentid} />
  <//>`;
}
