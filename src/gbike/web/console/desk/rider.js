// One rider: how they stand, their statement, rides and bills; and what an operator does about their money and right to
// rent.
import { ask, askMaybe } from '../../shared/api.js';
import { html, useRead } from '../../shared/lib.js';
import { Facts, Icon, Loaded, Notice, Page } from '../../shared/parts.js';
import { narrow, useRoute } from '../../shared/shell.js';
import { stamp, t, won } from '../../shared/text.js';
import { useFresh } from '../fresh.js';
import { Chips } from '../parts.js';
import { ServerList, useServerList } from '../serverlist.js';
import { Act, Acts } from './acts.js';
import { causeOf } from './bills.js';
import { Contact } from './contact.js';
import { Bike, Bill, BillState, during, Fee, Moment, Ride } from './links.js';
import { untilOf } from './riders.js';

const NO_DEPOSIT = { deposit: 0, registered: false };
const VIEWS = ['statement', 'rides'];
const NO_MONEY = ['gone', 'wallet', 'noDeposit'];

export function RiderPage({ userid }) {
  const rider = useRead(() => askMaybe(`/userDeposits/${userid}`, NO_DEPOSIT), [userid]);
  useFresh(rider.again);
  const known = (deposit) => html`<${Known} userid=${userid} deposit=${deposit} again=${rider.again} />`;
  return html`<${Page} title=${t('riderNo', userid)} back="#/riders">
    <${Loaded} of=${rider} rows=${5}>${known}<//>
  <//>`;
}

function Known({ userid, deposit, again }) {
  const { query } = useRoute();
  const shown = VIEWS.includes(query.show) ? query.show : VIEWS[0];
  const choose = (view) => narrow({ show: view === VIEWS[0] ? '' : view, page: '', from: '', to: '', sort: '' });
  return html`<div class="columns">
      <${Standing} userid=${userid} deposit=${deposit} again=${again} />
      <section class="card" aria-label=${t('contactName')}>
        <h2>${t('contactName')}</h2><${Contact} key=${userid} userid=${userid} />
      </section>
    </div>
    <${Chips} label=${t('riderNo', userid)} options=${VIEWS.map((view) => [view, t(view)])} chosen=${shown}
      onChoose=${choose} />
    ${
      shown === 'rides'
        ? html`<${Rides} userid=${userid} />`
        : deposit === NO_DEPOSIT
          ? html`<${Notice} tone="calm" text=${t('noLedger', userid)} />`
          : html`<${Statement} userid=${userid} balance=${deposit.deposit} />`
    }`;
}

function Standing({ userid, deposit: of, again }) {
  const { deposit, blocked, mayrent } = of;
  const isNew = of === NO_DEPOSIT;
  const may = mayrent ?? !blocked;
  const no = ['late', 'alert', blocked ? 'isBlocked' : 'mayNotRent'];
  const [tone, icon, words] = isNew ? NO_MONEY : may ? ['free', 'check', 'mayRent'] : no;
  const rows = [
    [t('deposit'), html`<strong class="sum ${deposit < 0 ? 'owed' : ''}">${won(deposit)}</strong>`],
    blocked && [t('blockedWhy'), blocked.reason ?? '–'],
    blocked && [t('blockedSince'), blocked.since ? stamp(blocked.since) : '–'],
    blocked && [t('untilWhen'), untilOf(blocked)],
  ];
  const about = { userid, again };
  return html`<section class="card" aria-label=${t('standing')}>
    <p class="line"><span class="status ${tone}"><${Icon} name=${icon} />${t(words)}</span></p>
    <${Facts} rows=${rows} />
    <${Acts}>
      ${blocked ? html`<${Unblock} ...${about} blocked=${blocked} />` : html`<${Block} ...${about} />`}
      <${TopUp} ...${about} isNew=${isNew} />
      ${!isNew && html`<${Correct} ...${about} balance=${deposit} />`}
    <//>
  </section>`;
}

const blocking = (userid, body, key) => ask('PUT', `/userDeposits/${userid}/block`, { body, key });
const freeing = (userid, reason, key) => ask('DELETE', `/userDeposits/${userid}/block`, { body: { reason }, key });
const correcting = (userid, body, key) => ask('POST', `/userDeposits/${userid}/corrections`, { body, key });

function Block({ userid, again }) {
  const until = { name: 'until', kind: 'moment', label: t('blockUntil'), hint: t('blockUntilHint') };
  const block = async (body, key) => {
    await blocking(userid, body, key);
    return { text: t('blockedSay', userid), back: (reason, other) => freeing(userid, reason, other) };
  };
  return html`<${Act} label=${t('block')} title=${t('blockOf', userid)} hint=${t('blockSay')} fields=${[until]}
    work=${block} then=${again} />`;
}

function Unblock({ userid, blocked, again }) {
  const unblock = async ({ reason }, key) => {
    await freeing(userid, reason, key);
    const before = { reason: blocked.reason, until: blocked.until ?? undefined };
    return { text: t('unblockedSay', userid), back: (_, other) => blocking(userid, before, other) };
  };
  return html`<${Act} label=${t('unblock')} title=${t('unblockOf', userid)} work=${unblock} then=${again} />`;
}

const AMOUNT = { name: 'amount', kind: 'amount', required: true };

// The first money opens the deposit. Taken back by a correction of the same amount.
function TopUp({ userid, isNew, again }) {
  const pay = async (body, key) => {
    const { amount: deposit, reason } = body;
    const now = isNew
      ? await ask('POST', '/userDeposits', { body: { userid: Number(userid), deposit, reason }, key })
      : await ask('POST', `/userDeposits/${userid}/topUps`, { body, key });
    const back = (reason, other) => correcting(userid, { amount: -body.amount, reason }, other);
    return { text: t('toppedUpSay', won(body.amount), won(now.deposit)), back };
  };
  return html`<${Act} label=${t('payIn')} title=${t('payInOf', userid)} hint=${t('payInSay')} work=${pay} then=${again}
    fields=${[{ ...AMOUNT, label: t('amountKrw') }]} />`;
}

function Correct({ userid, balance, again }) {
  const correct = async (body, key) => {
    const now = await correcting(userid, body, key);
    const back = (reason, other) => correcting(userid, { amount: -body.amount, reason }, other);
    return { text: t('correctedSay', won(now.deposit)), back };
  };
  const amount = { ...AMOUNT, least: -Number.MAX_SAFE_INTEGER, label: t('difference'), hint: t('differenceHint') };
  return html`<${Act} label=${t('correctDeposit')} title=${t('correctDepositOf', userid, won(balance))} work=${correct}
    fields=${[amount]} then=${again} />`;
}

// What a movement was for, and where that leads.
export function causeSaid(cause) {
  const { kind, of } = causeOf(cause);
  return t(`cause_${kind}`, of) ?? cause;
}

export function Cause({ cause }) {
  const { kind, of } = causeOf(cause);
  const words = causeSaid(cause);
  return kind === 'bill' ? html`<a class="link" href="#/bill/${of}">${words}</a>` : words;
}

export const Moved = ({ amount, shown }) =>
  html`<strong class="sum ${amount > 0 ? 'plus' : ''}">${amount > 0 ? '+' : ''}${shown(amount)}</strong>`;

function Statement({ userid, balance }) {
  const columns = [
    ['number', t('entryName'), ({ entryid }) => entryid],
    ['status', t('what'), ({ cause }) => html`<${Cause} cause=${cause} />`],
    ['battery', t('amount'), ({ amount }) => html`<${Moved} amount=${amount} shown=${won} />`],
    ['seen', t('when'), ({ at }) => html`<${Moment} at=${at} />`],
  ];
  const path = `/userDeposits/${userid}/entries`;
  const list = useServerList({ path, name: 'entries', filters: during(), on: [balance] });
  return html`<${ServerList} list=${list} what=${t('statement')} columns=${columns} rowKey=${({ entryid }) => entryid}
    icon="wallet" empty=${t('noEntries')} hint=${t('noEntriesHint')} />`;
}

const billed = ({ rentEndTime: end, billingStatus: is }) => html`<${BillState} end=${end} status=${is} />`;

function Rides({ userid }) {
  const columns = [
    ['number', t('rideName'), (ride) => html`<${Ride} ...${ride} />`],
    ['status', t('state'), billed],
    ['battery', t('fee'), (ride) => html`<${Fee} of=${ride} />`],
    ['place', t('bikeName'), (ride) => html`<${Bike} ...${ride} />`],
    ['ride', t('billName'), ({ billid }) => (billid ? html`<${Bill} billid=${billid} />` : '–')],
    ['seen', t('beganAt'), ({ rentStarttime }) => html`<${Moment} at=${rentStarttime} />`],
  ];
  const [path, name] = ['/rentAndBillingViews', 'rentAndBillingViews'];
  const list = useServerList({ path, name, fixed: { userid }, filters: during(), live: true });
  return html`<${ServerList} list=${list} what=${t('rides')} columns=${columns} rowKey=${({ rentid }) => rentid}
    icon="clock" empty=${t('noRides')} hint=${t('noRidesHint')} />`;
}
