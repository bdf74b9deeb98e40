// The bills; and one bill: its words, what was given back of it, and what is left to give back.
import { ask } from '../../shared/api.js';
import { html, useRead } from '../../shared/lib.js';
import { Facts, Loaded, Notice, Page } from '../../shared/parts.js';
import { useRoute } from '../../shared/shell.js';
import { lasting, stamp, t, won } from '../../shared/text.js';
import { useFresh } from '../fresh.js';
import { Rider } from '../parts.js';
import { ServerList, useServerList } from '../serverlist.js';
import { Act, Acts } from './acts.js';
import { leftOf, tariffOf } from './bills.js';
import { Bill, BillState, during, Fee, lasted, Moment, ordered, Ride, Soft, Sum } from './links.js';

const STATUSES = ['OPENBILL', 'APPLYFEE', 'CLOSEBILL'];

export function MoneyPage() {
  const { query } = useRoute();
  const order = ordered(query, 'billid', ['fee']);
  const by = (/** @type {string} */ field) => order.sorts.find((one) => one === field);
  const columns = [
    ['number', t('billName'), (bill) => html`<${Bill} ...${bill} />`, by('billid')],
    ['status', t('state'), (bill) => html`<${BillState} end=${bill.endtime} status=${bill.status} />`],
    ['battery', t('fee'), (bill) => html`<${Fee} of=${bill} />`, by('fee')],
    ['place', t('riderName'), (bill) => html`<${Rider} ...${bill} />`],
    ['ride', t('rideName'), (bill) => html`<${Ride} ...${bill} />`],
    [
      'seen',
      t('beganAt'),
      (bill) => html`<${Soft}>${stamp(bill.starttime)}${bill.endtime ? ` · ${lasted(bill)}` : ''}<//>`,
      'starttime',
    ],
  ];
  /** @type {Filter[]} */
  const filters = [
    { id: 'status', kind: 'choice', label: t('state'), options: STATUSES.map((is) => [is, t(`bill_${is}`)]) },
    ...during(),
    { id: 'userid', kind: 'number', label: t('riderAsk') },
    { id: 'rentid', kind: 'number', label: t('rideAsk') },
  ];
  const list = useServerList({ path: '/billings', name: 'billings', filters, ...order, live: true });
  return html`<${Page} title=${t('bills')} beside=${html`<a class="small-button" href="#/debts">${t('debts')}</a>`}>
    <${ServerList} list=${list} what=${t('bills')} columns=${columns} rowKey=${({ billid }) => billid} icon="wallet"
      empty=${t('noBills')} hint=${t('noBillsHint')} />
  <//>`;
}

export function BillPage({ billid }) {
  const bill = useRead(() => ask('GET', `/billings/${billid}`), [billid]);
  useFresh(bill.again, { wanted: bill.found?.status !== 'CLOSEBILL' });
  const way = { text: t('bills'), href: '#/money' };
  return html`<${Page} title=${t('billNo', billid)} back="#/money">
    ${
      !bill.found && bill.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('noBillNo', billid)} way=${way} />`
        : html`<${Loaded} of=${bill} rows=${5}>${(found) => html`<${Known} bill=${found} again=${bill.again} />`}<//>`
    }
  <//>`;
}

function Known({ bill, again }) {
  const left = leftOf(bill);
  const rows = [
    [t('rideName'), html`<${Ride} ...${bill} />`],
    [t('riderName'), html`<${Rider} ...${bill} />`],
    [t('beganAt'), stamp(bill.starttime)],
    bill.endtime && [t('until'), stamp(bill.endtime)],
    bill.endtime && [t('lasted'), lasted(bill)],
    [t('costs'), priced(bill.tariff)],
    [t('fee'), bill.fee === null ? '–' : won(bill.fee)],
    [t('refunded'), won(bill.refunded ?? 0)],
    [t('leftOf'), won(left)],
  ];
  return html`<div class="columns">
    <section class="card" aria-label=${t('billNo', bill.billid)}>
      <p class="line"><${BillState} end=${bill.endtime} status=${bill.status} /></p>
      <${Facts} rows=${rows} />
      <p class="soft">${t('billStays')}</p>
      ${
        left > 0
          ? html`<${Correct} bill=${bill} left=${left} again=${again} />`
          : html`<p class="soft">${t(why(bill))}</p>`
      }
    </section>
    <section class="card" aria-label=${t('corrections')}>
      <h2>${t('corrections')}</h2>
      <${Corrections} ...${bill} />
    </section>
  </div>`;
}

const why = ({ fee: krw }) => (krw === null ? 'notChargedYet' : krw === 0 ? 'costsNothing' : 'allRefunded');

function priced(stamped) {
  const tariff = tariffOf(stamped);
  if (!tariff) return '–';
  const words = tariff.rounding === 'ceil' ? 'begunEach' : 'wholeEach';
  return t(words, lasting(tariff.per_s * 1000), won(tariff.krw));
}

function Correct({ bill: { billid, userid }, left, again }) {
  const amount = { name: 'amount', kind: 'amount', label: t('refundAmount'), hint: t('atMost', won(left)) };
  const correct = async (body, key) => {
    await ask('POST', `/billings/${billid}/corrections`, { body, key });
    return { text: t('refundedSay', won(body.amount), userid) };
  };
  return html`<${Acts}>
    <${Act} label=${t('correctBill')} title=${t('correctBillOf', billid, userid)} hint=${t('correctBillSay', won(left))}
      fields=${[{ ...amount, required: true, value: String(left) }]} work=${correct} then=${again} />
  <//>`;
}

// It may be an operator, whose page is among the people.
const By = ({ by }) =>
  /^[1-9][0-9]*$/.test(by ?? '')
    ? html`<a class="link" href="#/people/${by}">${t('accountNo', by)}</a>`
    : html`<${Soft}>${by || '–'}<//>`;

function Corrections({ billid, refunded }) {
  const columns = [
    ['number', t('amount'), ({ amount }) => html`<${Sum} krw=${amount} />`],
    ['battery', t('byWhom'), ({ by }) => html`<${By} by=${by} />`],
    ['seen', t('when'), ({ at }) => html`<${Moment} at=${at} />`],
    ['place', t('reason'), ({ reason }) => html`<span class="cut" title=${reason}>${reason}</span>`],
  ];
  const list = useServerList({ path: `/billings/${billid}/corrections`, name: 'corrections', on: [refunded] });
  return html`<${ServerList} list=${list} what=${t('corrections')} columns=${columns} icon="wallet" more="given-back"
    rowKey=${({ correctionid }) => correctionid} empty=${t('noCorrections')} hint=${t('noCorrectionsHint')} />`;
}
