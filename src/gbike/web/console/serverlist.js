// A list that its service filters, sorts and pages, and that stands in the address with all of it: going back, a reload
// and a link that is sent on show the same. What fits it can be had as a file.
import { ask, askFile } from '../shared/api.js';
import { html, useEffect, useRead, useRef, useState } from '../shared/lib.js';
import { Empty, Failed, Loading, Notice } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { move, narrow, useRoute } from '../shared/shell.js';
import { t } from '../shared/text.js';
import { fileOf, pageOf, understood } from './asked.js';
import { useFresh } from './fresh.js';
import { Search, Select, Table, Turn } from './parts.js';

const SIZE = 50;
const TYPED_MS = 250; // after the last letter it is asked for

/**
 * `path` and `name`: of the collection; `filters`: what the address may narrow it to; `sorts`: by which fields it may
 * be sorted; `usual`: its order otherwise; `fixed`: what is said of it in any case; `live`: whether it is read anew
 * while it is looked at; `on`: what else it depends on.
 * @param {{ path: string, name: string, filters?: Filter[], sorts?: string[], usual?: string, size?: number,
 *   fixed?: Record<string, string | number>, live?: boolean, on?: any[] }} of
 */
export function useServerList({ path, name, filters = [], sorts = [], usual, size = SIZE, fixed = {}, live, on = [] }) {
  const { query } = useRoute();
  const asked = understood(query, filters, sorts, usual);
  const address = pageOf(path, asked, filters, fixed, size);
  const before = useRef(null);
  const read = async (isMine) => {
    const narrowed = JSON.stringify(asked.chosen);
    const isTyped = before.current !== null && before.current !== narrowed;
    before.current = narrowed;
    if (isTyped) await new Promise((resolve) => setTimeout(resolve, TYPED_MS));
    if (!isMine()) return null;
    const { page, _embedded } = await ask('GET', address);
    const { totalElements: total, totalPages: pages, more = false } = page; // more: than anybody has counted
    return { address, rows: _embedded?.[name] ?? [], total, pages, more };
  };
  const list = useRead(read, [address, ...on]);
  const { found, again } = list;
  useFresh(again, { wanted: live ?? false });
  useEffect(() => {
    const isBeyond = found?.address === address && !found.rows.length && found.pages > 0 && asked.page > found.pages;
    if (isBeyond) narrow({ page: found.pages > 1 ? found.pages : '' });
  }, [found]);
  const file = (encoding) => fileOf(path, asked, filters, fixed, encoding);
  return { ...list, asked, filters, size, sorts, file, isOld: found && found.address !== address };
}

/**
 * `columns`: as those of Table, where the fourth is the field to sort by; `what`: the list's name; `children`: what
 * stands between its filters and its rows.
 */
export function ServerList({
  list,
  what,
  columns,
  rowKey,
  empty,
  hint,
  icon = 'list',
  csv = true,
  more = '',
  children,
}) {
  const { found, failed, again, asked, filters } = list;
  const any = Object.keys(asked.chosen).length > 0;
  const order = (column) => {
    const field = columns.find(([name]) => name === column)[3];
    move({ sort: field, down: field === asked.sort && !asked.down ? 1 : '', page: '' });
  };
  const sort = columns.find(([, , , field]) => field && field === asked.sort)?.[0];
  const table = { label: what, columns, sort, down: asked.down, onSort: order, rowKey };
  const none = any ? { title: t('nothingFits'), hint: t('noneFoundHint') } : { title: empty, hint };
  return html`<div class="server-list ${more}">
    ${filters.length > 0 && html`<${Filters} filters=${filters} chosen=${asked.chosen} any=${any} />`}
    ${children}
    ${failed && found && html`<${Notice} ...${said(failed, 'read')} again=${again} />`}
    ${
      found
        ? html`<${Paging} list=${list} csv=${csv} />
            <div aria-busy=${list.isOld ? 'true' : undefined}>
              ${
                found.rows.length
                  ? html`<${Table} ...${table} rows=${found.rows} />`
                  : html`<${Empty} icon=${icon} ...${none} />`
              }
            </div>`
        : failed?.type === 'invalid'
          ? html`<${Notice} ...${said(failed, 'read')} />`
          : failed
            ? html`<${Failed} again=${again} />`
            : html`<${Loading} rows=${5} />`
    }
  </div>`;
}

function Paging({ list: { found, asked, size, file }, csv }) {
  const first = (asked.page - 1) * size;
  const isLast = found.more ? found.rows.length < size : asked.page >= found.pages;
  const turn = (by) => move({ page: asked.page + by > 1 ? asked.page + by : '' });
  return html`<div class="soft paging">
    <span role="status">
      ${t('rowsFrom', first + Math.min(1, found.rows.length), first + found.rows.length, found.total, found.more)}
    </span>
    ${csv && found.total > 0 && html`<${Csv} file=${file} />`}
    ${
      found.pages > 1 &&
      html`<${Turn} label=${t('before')} off=${asked.page === 1} onClick=${() => turn(-1)} />
        <${Turn} label=${t('next')} off=${isLast} onClick=${() => turn(1)} />`
    }
  </div>`;
}

// A change of a filter begins at the first page again. A narrow screen has the first one, and the others on demand.
function Filters({ filters, chosen, any }) {
  const [open, setOpen] = useState(any);
  const clear = () => narrow({ ...Object.fromEntries(filters.map(({ id }) => [id, ''])), page: '' });
  const turn = () => setOpen(!open);
  const more = html`<button class="chip more-filters" type="button" aria-expanded=${open} onClick=${turn}>
    ${t('filters')}
  </button>`;
  const folded = open ? '' : 'folded';
  return html`<form class="filters ${folded}" onSubmit=${(event) => event.preventDefault()} aria-label=${t('filters')}>
    ${filters.map((filter) => html`<${One} key=${filter.id} ...${filter} value=${chosen[filter.id] ?? ''} />`)}
    ${filters.length > 2 && more}
    ${any && html`<button class="link" type="button" onClick=${clear}>${t('clear')}</button>`}
  </form>`;
}

const ANEW = { page: '' };
const FIELDS = {
  search: (field) => html`<${Search} ...${field} more=${ANEW} />`,
  choice: ({ options, ...field }) =>
    html`<${Select} ...${field} options=${[['', t('all')], ...options.map(([name, words]) => [String(name), words])]}
      more=${ANEW} />`,
  number: ({ hint, ...field }) =>
    html`<${Search} ...${field} hint=${hint} type="text" inputmode="numeric" maxlength="16" more=${ANEW} />`,
  day: (field) => html`<${Search} ...${field} type="date" more=${ANEW} />`,
  flag: (field) => html`<${Select} ...${field} options=${[['', t('all')], ['true', field.yes]]} more=${ANEW} />`,
};
FIELDS.lastDay = FIELDS.day;

const One = ({ kind, least, most, param, ...field }) => FIELDS[kind](field);

// All that fit, in the way that the program reads it which it is opened with.
export function Csv({ file }) {
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState(null);
  const box = useRef(null);
  const get = async (encoding) => {
    if (busy) return;
    setBusy(true);
    setRefused(null);
    try {
      await askFile(file(encoding));
      if (box.current) box.current.open = false;
    } catch (failed) {
      setRefused(said(failed, 'read'));
    }
    setBusy(false);
  };
  const close = (event) => {
    if (event.key !== 'Escape' || !box.current?.open) return;
    event.stopPropagation();
    box.current.open = false;
    box.current.querySelector('summary').focus();
  };
  const way = (encoding, words) =>
    html`<button class="small-button" type="button" aria-disabled=${busy ? 'true' : undefined}
      onClick=${() => get(encoding)}>${busy ? t('sending') : words}</button>`;
  return html`<details class="csv" ref=${box} onKeyDown=${close}>
    <summary>${t('csv')}</summary>
    <div class="card">
      <p>${t('csvHint')}</p>
      ${way('utf-8', t('csvUtf8'))}${way('cp949', t('csvCp949'))}
      ${refused && html`<${Notice} ...${refused} />`}
    </div>
  </details>`;
}
