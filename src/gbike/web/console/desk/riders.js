// The riders: found by name, contact or number; their deposits; and who owes.
import { ask, newKey } from '../../shared/api.js';
import { given, html, useSend, useState } from '../../shared/lib.js';
import { Empty, Field, Icon, Notice, Page } from '../../shared/parts.js';
import { said } from '../../shared/session.js';
import { stamp, t, won } from '../../shared/text.js';
import { Rider, Table } from '../parts.js';
import { ServerList, useServerList } from '../serverlist.js';
import { Soft } from './links.js';

// What was looked for is a name: it stays in this page's memory, and out of the address.
let last = { q: '', rows: null };

const standing = ({ blocked, deposit }) => {
  const [tone, icon, words] = blocked
    ? ['late', 'alert', 'isBlocked']
    : deposit < 0
      ? ['broken', 'wallet', 'owes']
      : ['free', 'check', 'inOrder'];
  return html`<span class="status ${tone}"><${Icon} name=${icon} />${t(words)}</span>`;
};

const balance = ({ deposit }) => html`<strong class="sum ${deposit < 0 ? 'owed' : ''}">${won(deposit)}</strong>`;
export const untilOf = ({ until }) => (until ? stamp(until) : t('untilUnblocked'));

const columns = () => [
  ['number', t('riderName'), (one) => html`<${Rider} ...${one} />`, 'userid'],
  ['status', t('state'), standing],
  ['battery', t('deposit'), balance, 'deposit'],
  ['place', t('reason'), ({ blocked }) => html`<span class="soft cut">${blocked?.reason ?? ''}</span>`],
  ['seen', t('untilWhen'), ({ blocked }) => html`<${Soft}>${blocked ? untilOf(blocked) : ''}<//>`],
];
const rowKey = ({ userid }) => userid;

/** @returns {Filter[]} */
const filters = () => [
  { id: 'debt', kind: 'flag', label: t('owes'), yes: t('onlyOwing') },
  { id: 'blocked', kind: 'flag', label: t('isBlocked'), yes: t('onlyBlocked') },
];

export const RidersPage = () =>
  html`<${Page} title=${t('riders')} beside=${html`<a class="small-button" href="#/debts">${t('debts')}</a>`}>
    <${Finder} />
    <h2>${t('allDeposits')}</h2>
    <${Deposits} filters=${filters()} sorts=${['userid', 'deposit']} usual="userid,desc" />
  <//>`;

export const DebtsPage = () =>
  html`<${Page} title=${t('debts')} back="#/riders">
    <p class="soft">${t('debtsSay')}</p>
    <${Deposits} fixed=${{ debt: 'true' }} sorts=${['userid', 'deposit']} usual="deposit,asc"
      empty=${t('noDebts')} hint=${t('noDebtsHint')} />
  <//>`;

function Deposits({ empty = t('noRiders'), hint = t('noRidersHint'), ...sought }) {
  const list = useServerList({ path: '/userDeposits', name: 'userDeposits', live: true, ...sought });
  return html`<${ServerList} list=${list} what=${t('riders')} columns=${columns()} rowKey=${rowKey} icon="person"
    empty=${empty} hint=${hint} />`;
}

function Finder() {
  const [found, setFound] = useState(last);
  const find = async (event) => {
    const q = given(event).who.trim();
    if (!q) return;
    const answer = await ask('POST', '/accounts/searches', { body: { q }, key: newKey() });
    last = { q, rows: answer._embedded?.accounts ?? [] };
    setFound(last);
  };
  const { busy, refusal, send } = useSend(find, (failed) => said(failed, 'act'));
  const text = { type: 'search', maxlength: 100, autocomplete: 'off', defaultValue: found.q };
  return html`<form class="seeking" onSubmit=${send} novalidate role="search" aria-label=${t('findRider')}>
      <${Field} id="who" label=${t('findRider')} aria-describedby="who-says" ...${text} />
      <button class="small-button" type="submit" aria-disabled=${busy || undefined}>${t('lookUp')}</button>
    </form>
    <p class="soft" id="who-says">${t('findRiderHint')}</p>
    ${refusal && html`<${Notice} ...${refusal} />`}
    ${found.rows && html`<${Found} ...${found} />`}`;
}

function Found({ q, rows }) {
  const isNumber = /^[1-9][0-9]{0,15}$/.test(q);
  const hasIt = rows.some(({ userid }) => userid === Number(q));
  const cells = [
    ['number', t('riderName'), (one) => html`<${Rider} ...${one} />`],
    ['place', t('name'), ({ name }) => name ?? '–'],
    ['seen', t('contactName'), ({ contact }) => html`<${Soft}>${contact ?? '–'}<//>`],
  ];
  return html`<section aria-label=${t('foundRiders')}>
    <p class="soft" role="status">${t('ridersFound', rows.length)}</p>
    ${isNumber && !hasIt && html`<p>${t('noAccountYet')} <${Rider} userid=${q} /></p>`}
    ${
      rows.length
        ? html`<${Table} label=${t('foundRiders')} columns=${cells} rows=${rows} rowKey=${rowKey} />`
        : !isNumber && html`<${Empty} icon="person" title=${t('nobodyFound')} hint=${t('nobodyFoundHint')} />`
    }
  </section>`;
}
