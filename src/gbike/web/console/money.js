// The bills, and a rider's money: what they have, and each movement of it.
import { ask } from '../api.js';
import { html, useEffect, useState } from '../lib.js';
import { Big, Empty, Facts, Failed, Icon, Loading, Notice, Status, Top } from '../parts.js';
import { lasting, t, won } from '../text.js';
import { Table } from './parts.js';
import { narrow, useRoute } from './route.js';
import { many, stamp } from './words.js';

const PAGE = 100;

// A list that is read from the service piece by piece: as large as somebody asked for.
export function useList(path, name) {
  const [size, more] = useState(PAGE);
  const [list, show] = useState({ rows: null, total: 0, failed: null });
  const read = async () => {
    try {
      const { _embedded, page } = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}size=${Math.min(size, 1000)}`);
      show({ path, rows: _embedded?.[name] ?? [], total: page.totalElements, failed: null });
    } catch (failed) {
      show({ ...list, failed });
    }
  };
  useEffect(() => {
    read();
  }, [path, size]);
  const rows = list.path === path ? list.rows : null;
  return { ...list, rows, again: read, more: rows && rows.length < Math.min(list.total, 1000) ? () => more(size + PAGE) : null };
}

export const Listed = ({ list, empty, hint, icon = 'list', children }) =>
  html`${!list.rows && !list.failed && html`<${Loading} rows=${5} />`}
    ${list.failed && !list.rows && html`<${Failed} again=${list.again} />`}
    ${list.rows && !list.rows.length && html`<${Empty} icon=${icon} title=${empty} hint=${hint} />`}
    ${list.rows && list.rows.length > 0 && html`<p class="soft">${t('shown', list.rows.length, list.total)}</p>${children}`}
    ${list.more && html`<${Big} kind="quiet" label=${t('more')} onClick=${list.more} />`}`;

export function Asking({ id, label, hint, value, onAsk }) {
  const [wrong, complain] = useState(null);
  const go = (event) => {
    event.preventDefault();
    const number = new FormData(event.target).get(id).trim();
    if (number && !/^[1-9][0-9]{0,15}$/.test(number)) return complain(t('digits'));
    complain(null);
    onAsk(number);
  };
  return html`<form class="filters asking" onSubmit=${go} novalidate key=${value}>
    <div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} name=${id} inputmode="numeric" autocomplete="off" maxlength="16" placeholder=${hint} defaultValue=${value} aria-invalid=${wrong ? 'true' : undefined} aria-describedby=${wrong ? `${id}-wrong` : undefined} />
      ${wrong && html`<p id="${id}-wrong" class="wrong" role="alert"><${Icon} name="alert" />${wrong}</p>`}
    </div>
    <button class="small-button" type="submit">${t('lookUp')}</button>
    ${value && html`<button class="link" type="button" onClick=${() => onAsk('')}>${t('clear')}</button>`}
  </form>`;
}

export function MoneyPage() {
  const { query } = useRoute();
  const rider = /^[1-9][0-9]*$/.test(query.rider ?? '') ? query.rider : '';
  return html`<section class="page">
    <${Top} title=${t('money')} />
    <${Asking} id="rider" label=${t('riderNumber')} hint=${t('riderAsk')} value=${rider} onAsk=${(number) => narrow({ rider: number })} />
    ${rider ? html`<${Ledger} key=${rider} userid=${rider} />` : html`<${Bills} />`}
  </section>`;
}

const settled = (status) => html`<${Status} is=${status === 'CLOSEBILL' ? 'settled' : 'settling'} />`;

function Bills() {
  const list = useList('/billings?sort=billid,desc', 'billings');
  const columns = [
    ['number', t('billName'), (bill) => html`<strong>${bill.billid}</strong>`],
    ['status', t('status'), (bill) => (bill.endtime ? settled(bill.status) : html`<${Status} is="open" />`)],
    ['battery', t('fee'), (bill) => html`<strong class="sum">${bill.fee === null ? '–' : won(bill.fee)}</strong>`],
    ['place', t('riderName'), (bill) => html`<a class="link" href="#/money?rider=${bill.userid}">${t('riderNo', bill.userid)}</a>`],
    ['ride', t('rideName'), (bill) => html`<span class="named" data-name=${t('rideName')}>${bill.rentid}</span>`],
    ['seen', t('beganAt'), (bill) => html`<span class="soft">${stamp(bill.starttime)}${bill.endtime ? ` · ${lasting(Date.parse(bill.endtime) - Date.parse(bill.starttime))}` : ''}</span>`],
  ];
  return html`<h2>${t('bills')}</h2>
    <${Listed} list=${list} icon="wallet" empty=${t('noBills')} hint=${t('noBillsHint')}><${Table} label=${t('bills')} columns=${columns} rows=${list.rows} rowKey=${(bill) => bill.billid} /><//>`;
}

const CAUSES = { bill: 'ofBill', report: 'ofReport', topUp: 'ofTopUp', conversion: 'ofPoints', opening: 'ofOpening', adjustment: 'ofCorrection' };

function cause(words) {
  const [kind, of] = words.split(':');
  return CAUSES[kind] ? t(CAUSES[kind], of) : words;
}

export const Entries = ({ list, shown }) => {
  const columns = [
    ['number', t('entryName'), (entry) => entry.entryid],
    ['status', t('what'), (entry) => cause(entry.cause)],
    ['battery', t('amount'), (entry) => html`<strong class="sum ${entry.amount < 0 ? '' : 'plus'}">${entry.amount < 0 ? '' : '+'}${shown(entry.amount)}</strong>`],
    ['seen', t('when'), (entry) => html`<span class="soft">${stamp(entry.at)}</span>`],
  ];
  return html`<${Table} label=${t('ledger')} columns=${columns} rows=${list.rows} rowKey=${(entry) => entry.entryid} />`;
};

function Ledger({ userid }) {
  const [deposit, know] = useState(undefined);
  const list = useList(`/userDeposits/${userid}/entries`, 'entries');
  const rides = useList(`/rentAndBillingViews/search/findByUserid?userid=${userid}`, 'rentAndBillingViews');
  useEffect(() => {
    ask('GET', `/userDeposits/${userid}`).then(know, () => know(null));
  }, [userid]);
  const nobody = list.failed?.status === 404;
  const columns = [
    ['number', t('rideName'), (ride) => html`<strong>${ride.rentid}</strong>`],
    ['status', t('status'), (ride) => (ride.rentEndTime ? settled(ride.billingStatus) : html`<${Status} is="open" />`)],
    ['battery', t('fee'), (ride) => html`<strong class="sum">${ride.fee === null ? '–' : won(ride.fee)}</strong>`],
    ['place', t('bikeName'), (ride) => html`<a class="link" href="#/bike/${ride.bikeid}">${t('number', ride.bikeid)}</a>`],
    ['seen', t('beganAt'), (ride) => html`<span class="soft">${ride.rentStarttime ? stamp(ride.rentStarttime) : '–'}</span>`],
  ];
  return html`<div class="card"><${Facts} rows=${[[t('riderName'), userid], [t('deposit'), deposit ? won(deposit.deposit) : '–'], rides.rows && [t('rides'), many(rides.total)]]} /></div>
    <h2>${t('ledger')}</h2>
    ${nobody ? html`<${Notice} tone="calm" text=${t('noLedger', userid)} />` : html`<${Listed} list=${list} icon="wallet" empty=${t('noEntries')} hint=${t('noEntriesHint')}><${Entries} list=${list} shown=${won} /><//>`}
    <h2>${t('rides')}</h2>
    <${Listed} list=${rides} icon="clock" empty=${t('noRides')} hint=${t('noRidesHint')}><${Table} label=${t('rides')} columns=${columns} rows=${rides.rows} rowKey=${(ride) => ride.rentid} /><//>`;
}
