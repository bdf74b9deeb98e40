// Field staff: their points, and each movement of them.
import { html } from '../shared/lib.js';
import { Facts, Notice, Page } from '../shared/parts.js';
import { many, t } from '../shared/text.js';
import { Asking, Entries, Listed, useAsked, useList } from './lists.js';
import { Rider, Table } from './parts.js';

const pointsOf = (point) => t('pointsOf', many(point));

export function ManagersPage() {
  const manager = useAsked('manager');
  return html`<${Page} title=${t('managers')}>
    <${Asking} id="manager" label=${t('managerNumber')} hint=${t('managerAsk')} value=${manager} />
    ${manager ? html`<${Points} key=${manager} managerid=${manager} />` : html`<${All} />`}
  <//>`;
}

function All() {
  const list = useList('/bikeManagers?sort=point,desc', 'bikeManagers');
  const number = ({ managerid }) => html`<a class="link" href="#/managers?manager=${managerid}">${managerid}</a>`;
  const columns = [
    ['number', t('managerName'), number],
    ['battery', t('points'), ({ point }) => html`<strong class="sum">${pointsOf(point)}</strong>`],
    ['place', t('account'), ({ userid }) => html`<${Rider} userid=${userid} />`],
  ];
  return html`<${Listed} list=${list} icon="person" empty=${t('noManagers')} hint=${t('noManagersHint')}>
    <${Table} label=${t('managers')} columns=${columns} rows=${list.rows} rowKey=${({ managerid }) => managerid} />
  <//>`;
}

function Points({ managerid }) {
  const all = useList('/bikeManagers?sort=managerid', 'bikeManagers');
  const list = useList(`/bikeManagers/${managerid}/entries`, 'entries');
  const manager = all.rows?.find((other) => other.managerid === Number(managerid));
  if (list.failed?.status === 404) return html`<${Notice} tone="calm" text=${t('noManager', managerid)} />`;
  const rows = manager && [
    [t('managerName'), managerid],
    [t('points'), pointsOf(manager.point)],
    [t('account'), t('riderNo', manager.userid)],
  ];
  return html`${rows && html`<div class="card"><${Facts} rows=${rows} /></div>`}
    <h2>${t('ledger')}</h2>
    <${Listed} list=${list} icon="wallet" empty=${t('noEntries')} hint=${t('noPointsHint')}>
      <${Entries} list=${list} shown=${pointsOf} />
    <//>`;
}
