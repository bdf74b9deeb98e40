// Field staff: their points, and each movement of them.
import { html } from '../lib.js';
import { Facts, Notice, Top } from '../parts.js';
import { t } from '../text.js';
import { Asking, Entries, Listed, useList } from './money.js';
import { Table } from './parts.js';
import { narrow, useRoute } from './route.js';
import { many } from './words.js';

export function ManagersPage() {
  const { query } = useRoute();
  const manager = /^[1-9][0-9]*$/.test(query.manager ?? '') ? query.manager : '';
  return html`<section class="page">
    <${Top} title=${t('managers')} />
    <${Asking} id="manager" label=${t('managerNumber')} hint=${t('managerAsk')} value=${manager} onAsk=${(number) => narrow({ manager: number })} />
    ${manager ? html`<${Points} key=${manager} managerid=${manager} />` : html`<${All} />`}
  </section>`;
}

function All() {
  const list = useList('/bikeManagers?sort=point,desc', 'bikeManagers');
  const columns = [
    ['number', t('managerName'), (one) => html`<a class="link" href="#/managers?manager=${one.managerid}">${one.managerid}</a>`],
    ['battery', t('points'), (one) => html`<strong class="sum">${t('pointsOf', many(one.point))}</strong>`],
    ['place', t('account'), (one) => html`<a class="link" href="#/money?rider=${one.userid}">${t('riderNo', one.userid)}</a>`],
  ];
  return html`<${Listed} list=${list} icon="person" empty=${t('noManagers')} hint=${t('noManagersHint')}><${Table} label=${t('managers')} columns=${columns} rows=${list.rows} rowKey=${(one) => one.managerid} /><//>`;
}

function Points({ managerid }) {
  const one = useList(`/bikeManagers?sort=managerid`, 'bikeManagers');
  const list = useList(`/bikeManagers/${managerid}/entries`, 'entries');
  const manager = one.rows?.find((other) => other.managerid === Number(managerid));
  if (list.failed?.status === 404) return html`<${Notice} tone="calm" text=${t('noManager', managerid)} />`;
  return html`${manager && html`<div class="card"><${Facts} rows=${[[t('managerName'), managerid], [t('points'), t('pointsOf', many(manager.point))], [t('account'), t('riderNo', manager.userid)]]} /></div>`}
    <h2>${t('ledger')}</h2>
    <${Listed} list=${list} icon="wallet" empty=${t('noEntries')} hint=${t('noPointsHint')}><${Entries} list=${list} shown=${(amount) => t('pointsOf', many(amount))} /><//>`;
}
