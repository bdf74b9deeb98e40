// Paying in: how much, and where it is paid. The test payment provider's page is ours and has one button.
import { pay, topUp } from './actions.js';
import { ask } from './api.js';
import { html, useEffect, useState } from './lib.js';
import { Big, Empty, Failed, Loading, Top } from './parts.js';
import { useStore } from './store.js';
import { t, won } from './text.js';

const AMOUNTS = [5_000, 10_000, 30_000, 50_000];

const form = (busy, send) => (event) => {
  event.preventDefault();
  if (!busy) send();
};

export function TopUpPage() {
  const { busy } = useStore();
  const [amount, choose] = useState(AMOUNTS[1]);
  return html`<form class="page" onSubmit=${form(busy, () => topUp(amount))}>
    <${Top} title=${t('topUp')} back="#/rides" />
    <fieldset class="amounts">
      <legend>${t('topUpHow')}</legend>
      ${AMOUNTS.map(
        (one) => html`<label key=${one} class=${one === amount ? 'on' : ''}>
          <input type="radio" name="amount" value=${one} checked=${one === amount} onChange=${() => choose(one)} /><span>${won(one)}</span>
        </label>`,
      )}
    </fieldset>
    <div class="dock"><${Big} type="submit" label=${t('topUpFor', won(amount))} busyLabel=${t('sending')} busy=${busy?.kind === 'topUp'} /></div>
  </form>`;
}

export function PayPage({ paymentid }) {
  const { who, busy } = useStore();
  const [payment, know] = useState(null);
  const [failed, fail] = useState(null);
  const read = async () => {
    fail(null);
    try {
      know(await ask('GET', `/userDeposits/${who.userid}/payments/${paymentid}`));
    } catch (refused) {
      fail(refused);
    }
  };
  useEffect(() => {
    read();
  }, [who.userid, paymentid]);
  const unknown = failed?.status === 404;
  const over = unknown || payment?.paid;
  return html`<form class="page" onSubmit=${form(busy, () => pay(payment))}>
    <${Top} title=${t('pay')} back="#/topup" />
    ${!payment && !failed && html`<${Loading} rows=${1} tall />`}
    ${failed && !unknown && html`<${Failed} again=${read} />`}
    ${over &&
    html`<${Empty} icon=${unknown ? 'alert' : 'check'} title=${t(unknown ? 'noPayment' : 'paid')} hint=${t(unknown ? 'noPaymentHint' : 'paidHint')}
      ><${Big} kind="quiet" label=${t('rides')} href="#/rides"
    /><//>`}
    ${payment &&
    !over &&
    html`<div class="card bill">
        <p class="total"><span class="soft">${t('topUp')}</span><strong>${won(payment.amount)}</strong></p>
        <p class="soft">${t('testPay')}</p>
      </div>
      <div class="dock"><${Big} type="submit" label=${t('payFor', won(payment.amount))} busyLabel=${t('toppingUp')} busy=${busy?.kind === 'pay'} /></div>`}
  </form>`;
}
