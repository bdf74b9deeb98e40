// Lists that are read from a service piece by piece, as large as somebody asked for.
import { given, html, useRead, useState } from '../shared/lib.js';
import { Empty, Failed, Field, Loading, More } from '../shared/parts.js';
import { narrow, useRoute } from '../shared/shell.js';
import { stamp, t } from '../shared/text.js';
import { page } from './fleet.js';
import { Table } from './parts.js';

const PAGE = 100;
const MOST = 1000;

export function useList(path, name) {
  const [size, setSize] = useState(PAGE);
  const { found, failed, again } = useRead(() => page(path, name, Math.min(size, MOST)), [path, size]);
  const { rows = null, total = 0 } = found ?? {};
  const more = rows && rows.length < Math.min(total, MOST) && (() => setSize(size + PAGE));
  return { rows, total, failed, again, more };
}

export const Listed = ({ list: { rows, total, failed, again, more }, empty, hint, icon = 'list', children }) => {
  if (!rows) return failed ? html`<${Failed} again=${again} />` : html`<${Loading} rows=${5} />`;
  if (!rows.length) return html`<${Empty} icon=${icon} title=${empty} hint=${hint} />`;
  return html`<p class="soft">${t('shown', rows.length, total)}</p>${children}
    ${more && html`<${More} onClick=${more} />`}`;
};

// A number that stands in the address.
export function useAsked(name) {
  const asked = useRoute().query[name] ?? '';
  return /^[1-9][0-9]*$/.test(asked) ? asked : '';
}

export function Asking({ id, label, hint, value }) {
  const [wrong, setWrong] = useState(null);
  const go = (event) => {
    event.preventDefault();
    const number = given(event)[id].trim();
    if (number && !/^[1-9][0-9]{0,15}$/.test(number)) return setWrong(t('digits'));
    setWrong(null);
    narrow({ [id]: number });
  };
  const digits = { inputmode: 'numeric', autocomplete: 'off', maxlength: 16 };
  return html`<form class="filters asking" onSubmit=${go} novalidate key=${value}>
    <${Field} id=${id} label=${label} placeholder=${hint} wrong=${wrong} defaultValue=${value} ...${digits} />
    <button class="small-button" type="submit">${t('lookUp')}</button>
    ${value && html`<button class="link" type="button" onClick=${() => narrow({ [id]: '' })}>${t('clear')}</button>`}
  </form>`;
}

function cause(words) {
  const [kind, of] = words.split(':');
  return t(`cause_${kind}`, of) ?? words;
}

// The movements of an account.
export const Entries = ({ list, shown }) => {
  const sum = ({ amount }) =>
    html`<strong class="sum ${amount < 0 ? '' : 'plus'}">${amount < 0 ? '' : '+'}${shown(amount)}</strong>`;
  const columns = [
    ['number', t('entryName'), ({ entryid }) => entryid],
    ['status', t('what'), (entry) => cause(entry.cause)],
    ['battery', t('amount'), sum],
    ['seen', t('when'), ({ at }) => html`<span class="soft">${stamp(at)}</span>`],
  ];
  const key = ({ entryid }) => entryid;
  return html`<${Table} label=${t('ledger')} columns=${columns} rows=${list.rows} rowKey=${key} />`;
};
