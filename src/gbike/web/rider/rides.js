// What was ridden, what it cost, the money that is left, and paying in. The test provider's page is ours.
import { ask, askMaybe } from '../shared/api.js';
import { html, useEffect, useKept, useRead } from '../shared/lib.js';
import {
  Amounts,
  Big,
  Complain,
  Empty,
  Facts,
  Icon,
  Later,
  Loaded,
  More,
  Notice,
  Page,
  Status,
} from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { lasting, moment, place, t, time, won } from '../shared/text.js';
import { pay, readOpen, topUp } from './actions.js';

const PAGE = 20;
const TRIES = 20; // half a second apart: a bill closes within a second or two
const lasted = (start, end) => lasting(Date.parse(end) - Date.parse(start));
const ENDED = { admin: () => t('endedByStaff'), void: () => t('noCharge') };
const absolute = (krw) => krw && Math.abs(krw); // a debt is told in words, with no sign
const amount = (krw) => (krw === null || krw === undefined ? '–' : won(krw));

export function RidesPage() {
  const { who, open, changes } = useStore();
  const [size, setSize] = useKept('size', PAGE);
  const read = useRead(
    async () => {
      const find = `/rentAndBillingViews/search/findByUserid?userid=${who.userid}&size=${size}`;
      const none = { deposit: 0 }; // it begins with the first bill
      const over = `/rents?status=returned&userid=${who.userid}&size=${size}&sort=rentid,desc`;
      const [found, money, ended] = await Promise.all([
        ask('GET', find),
        askMaybe(`/userDeposits/${who.userid}`, none),
        ask('GET', over),
      ]);
      const how = new Map(ended._embedded.rents.map(({ rentid, endedby }) => [rentid, endedby]));
      const rides = found._embedded.rentAndBillingViews.map((line) => ({ ...line, endedby: how.get(line.rentid) }));
      return { rides, total: found.page.totalElements, deposit: money.deposit, blocked: money.blocked };
    },
    [who.userid, size, open?.length, changes],
    `rides ${who.userid} ${size}`,
  );
  const { deposit, blocked } = read.found ?? {};
  return html`<${Page} title=${t('rides')}>
    <div class="card money">
      <p>
        <span class="soft">${t(deposit < 0 ? 'owed' : 'deposit')}</span><strong>${amount(absolute(deposit))}</strong>
      </p>
      <a class="small-button" href="#/topup">${t('topUp')}</a>
      <a class="link" href="#/statement">${t('statement')}<${Icon} name="next" /></a>
      ${deposit <= 0 && html`<p class="wrong"><${Icon} name="alert" />${t('owing')}</p>`}
      ${blocked && html`<${Halted} ...${blocked} />`}
    </div>
    <${Loaded} of=${read} rows=${4}>
      ${({ rides, total }) => html`<${Rides} rides=${rides} total=${total} more=${() => setSize(size + PAGE)} />`}
    <//>
  <//>`;
}

// An operator keeps them from renting: until when, and why.
const Halted = ({ reason, until }) =>
  html`<p class="wrong"><${Icon} name="alert" />${until ? t('haltedUntil', moment(until)) : t('halted')}</p>
    ${reason && html`<p class="soft">${t('haltedFor', reason)}</p>`}`;

function Rides({ rides, total, more }) {
  const find = html`<${Big} kind="quiet" label=${t('find')} href="#/" />`;
  if (!rides.length) return html`<${Empty} icon="clock" title=${t('noRides')} hint=${t('noRidesHint')}>${find}<//>`;
  return html`<ul class="card lines">
      ${rides.map((line) => html`<${Line} key=${line.rentid} line=${line} />`)}
    </ul>
    ${total > rides.length && html`<${More} onClick=${more} />`}`;
}

function Line({ line: { rentid, bikeid, fee, refunded, endedby, rentStarttime: start, rentEndTime: end } }) {
  const ending = ENDED[endedby]?.();
  const about = [bikeid ? t('number', bikeid) : '', ...(end ? [lasted(start, end)] : []), ...(ending ? [ending] : [])];
  if (refunded > 0) about.push(`${t('refunded')}\u00a0${won(refunded)}`);
  return html`<li>
    <a href=${end ? `#/rides/${rentid}` : '#/ride'}>
      <span class="grow">
        <span class="main">${start ? moment(start) : t('ride', rentid)}</span>
        <span class="soft">${about.join(' · ')}</span>
      </span>
      ${end ? html`<span class="fee">${fee === null ? t('settling') : won(fee)}</span>` : html`<${Status} is="open" />`}
      <${Icon} name="next" />
    </a>
  </li>`;
}

export function BillPage({ rentid, just }) {
  const read = useRead(
    async (isWanted, show) => {
      const rent = await ask('GET', `/rents/${rentid}`);
      show({ rent });
      for (let tries = 0, line = null; ; tries += 1) {
        line = (await askMaybe(`/rentAndBillingViews/${rentid}`)) ?? line;
        const bill = { rent, line, closed: line?.billingStatus === 'CLOSEBILL', late: tries + 1 === TRIES };
        if (bill.closed || bill.late || !isWanted()) return bill;
        show(bill);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    [rentid],
    `bill ${rentid}`,
  );
  useEffect(() => void readOpen(), [rentid]);
  return html`<${Page} title=${just ? t('done') : t('bill')} back=${just ? null : '#/rides'}>
    ${just && html`<p class="soft">${t('doneSay')}</p><${Notice} tone="calm" text=${t('lockUp')} />`}
    <${Loaded} of=${read} rows=${1} tall>${(bill) => html`<${Bill} just=${just} ...${bill} />`}<//>
    ${just && read.found && html`<div class="dock"><${Big} label=${t('finish')} href="#/" /></div>`}
  <//>`;
}

function Bill({ rent, line, closed, late, just }) {
  const { bikeid, starttime: start, endtime: end, endlocation: where } = rent;
  const left = closed ? line.deposit : null;
  const rows = [
    [t('bikeName'), t('number', bikeid)],
    end && [t('lasted'), lasted(start, end)],
    ENDED[rent.endedby] && [t('howEnded'), t('endedByStaff')],
    [t('from'), moment(start)],
    end && [t('until'), `${time(end)}${where ? ` · ${place(where)}` : ''}`],
    line?.refunded > 0 && [t('refunded'), html`<${Refunds} ...${line} />`],
    line?.refunded > 0 && [t('paidInAll'), won(line.fee - line.refunded)],
    left !== null && [t(left < 0 ? 'owed' : 'left'), won(Math.abs(left))],
  ];
  return html`<div class="card bill">
    <p class="total" aria-live="polite">
      <span class="soft">${t('fee')}</span><strong>${amount(rent.voided ? 0 : line?.fee)}</strong>
    </p>
    ${rent.voided && html`<p class="soft">${t('voidedSay')}</p>`}
    ${end && html`<${Status} is=${closed ? 'settled' : 'settling'} />`}
    ${late && !closed && html`<p class="soft">${t('later')}</p>`}
    ${just && rent.noposition && html`<p class="soft">${t('positionNotKept')}</p>`}
    <${Facts} rows=${rows} />
    ${left < 0 && html`<p class="wrong"><${Icon} name="alert" />${t('owing')}</p>`}
    ${left < 0 && html`<a class="link" href="#/topup">${t('topUp')}<${Icon} name="next" /></a>`}
  </div>
  <${Complain} bikeid=${bikeid} />`;
}

// Of few rides: why something was given back is loaded with its words.
const refunds = async () => (await import('../statement/refunds.js')).Refunds;
const Refunds = (line) => {
  const sum = () => won(line.refunded);
  return html`<${Later} load=${refunds} waiting=${sum()} failed=${sum} ...${line} />`;
};

const AMOUNTS = [5_000, 10_000, 30_000, 50_000];

const form = (busy, send) => (event) => {
  event.preventDefault();
  if (!busy) send();
};

export function TopUpPage() {
  const { busy } = useStore();
  const [amount, setAmount] = useKept('amount', AMOUNTS[1]);
  const options = AMOUNTS.map((one) => [one, won(one)]);
  const [label, isBusy] = [t('topUpFor', won(amount)), busy?.kind === 'topUp'];
  return html`<${Page} title=${t('topUp')} back="#/rides" onSubmit=${form(busy, () => topUp(amount))}>
    <${Amounts} legend=${t('topUpHow')} options=${options} chosen=${amount} onChoose=${setAmount} />
    <div class="dock"><${Big} type="submit" label=${label} busyLabel=${t('sending')} busy=${isBusy} /></div>
  <//>`;
}

export function PayPage({ paymentid }) {
  const { who, busy } = useStore();
  const read = useRead(() => ask('GET', `/userDeposits/${who.userid}/payments/${paymentid}`), [who.userid]);
  const unknown = read.failed?.status === 404;
  return html`<${Page} title=${t('pay')} back="#/topup" onSubmit=${form(busy, () => read.found && pay(read.found))}>
    ${
      unknown
        ? html`<${Over} icon="alert" title=${t('noPayment')} hint=${t('noPaymentHint')} />`
        : html`<${Loaded} of=${read} rows=${1} tall>${(payment) => html`<${Payment} of=${payment} />`}<//>`
    }
  <//>`;
}

function Payment({ of: { paid, amount } }) {
  const { busy } = useStore();
  if (paid) return html`<${Over} icon="check" title=${t('paid')} hint=${t('paidHint')} />`;
  const [label, isBusy] = [t('payFor', won(amount)), busy?.kind === 'pay'];
  return html`<div class="card bill">
      <p class="total"><span class="soft">${t('topUp')}</span><strong>${won(amount)}</strong></p>
      <p class="soft">${t('testPay')}</p>
    </div>
    <div class="dock"><${Big} type="submit" label=${label} busyLabel=${t('toppingUp')} busy=${isBusy} /></div>`;
}

const Over = (said) => html`<${Empty} ...${said}><${Big} kind="quiet" label=${t('rides')} href="#/rides" /><//>`;
