// The console's own components: a table that draws only what is seen of it, what narrows it, columns and bars.
import { entry, keepAt, keptAt } from '../shared/kept.js';
import { html, useEffect, useRef, useState } from '../shared/lib.js';
import { Icon } from '../shared/parts.js';
import { narrow } from '../shared/shell.js';
import { t } from '../shared/text.js';

const SPARE = 8; // rows drawn above and below what is seen

// `columns`: [name, label, cell, sortable]. That of the number names the row, else the first. Each row is
// as high as the others.
export function Table({ label, columns, rows, rowKey, sort, down, onSort, tall }) {
  const box = useRef(null);
  const [seen, setSeen] = useState({ top: 0, height: 600, row: 48 });
  const watch = () => {
    const { scrollTop: top, clientHeight: height } = box.current;
    const row = parseFloat(getComputedStyle(box.current).getPropertyValue('--row')) || 48;
    const near = ({ top: before }) => Math.abs(before - top) < (SPARE / 2) * row;
    setSeen((was) => (was.row === row && was.height === height && near(was) ? was : { top, height, row }));
  };
  const scrolled = `rows ${label}`;
  const moved = () => {
    keepAt(entry(), scrolled, box.current.scrollTop);
    watch();
  };
  useEffect(() => {
    box.current.scrollTop = keptAt(entry(), scrolled) ?? 0;
    watch();
    addEventListener('resize', watch);
    return () => removeEventListener('resize', watch);
  }, []);
  const first = Math.max(0, Math.floor(seen.top / seen.row) - SPARE);
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / seen.row) + SPARE);
  const space = (height) => html`<div class="space" style=${{ height: `${height}px` }} />`;
  const header = columns.some(([name]) => name === 'number') ? 'number' : columns[0][0];
  const role = (name) => (name === header ? 'rowheader' : 'cell');
  const about = { 'aria-label': label, 'aria-rowcount': rows.length + 1 };
  return html`<div class="table ${tall ? 'tall' : ''} of-${columns.length}" role="table" ...${about}>
    <div role="rowgroup" class="head">
      <div role="row" aria-rowindex="1">
        ${columns.map(
          ([name, title, , sortable]) =>
            html`<${Head} key=${name} ...${{ name, title, sorted: sort === name, down, sort: sortable && onSort }} />`,
        )}
      </div>
    </div>
    <div role="rowgroup" class="rows" ref=${box} onScroll=${moved} tabindex="0" aria-label=${label}>
      ${space(first * seen.row)}
      ${rows.slice(first, last).map(
        (row, index) => html`<div role="row" key=${rowKey(row)} aria-rowindex=${first + index + 2}>
          ${columns.map(([name, , cell]) => html`<div key=${name} role=${role(name)} class=${name}>${cell(row)}</div>`)}
        </div>`,
      )}
      ${space((rows.length - last) * seen.row)}
    </div>
  </div>`;
}

function Head({ name, title, sorted, down, sort }) {
  const order = down ? 'descending' : 'ascending';
  const way = html`<span class="way" aria-hidden="true">${sorted ? (down ? '↓' : '↑') : ''}</span>`;
  return html`<div role="columnheader" class=${name} aria-sort=${sorted ? order : undefined}>
    ${sort ? html`<button type="button" onClick=${() => sort(name)}>${title}${way}</button>` : title}
  </div>`;
}

// What is chosen or typed narrows at once, and stands in the address; `more` of it changes with that.
const narrowing = (id, more) => (event) => narrow({ [id]: event.target.value, ...more });

export const Select = ({ id, label, value, options, more = {} }) =>
  html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${narrowing(id, more)}>
      ${options.map(
        ([name, words]) => html`<option key=${name} value=${name} selected=${name === value}>${words}</option>`,
      )}
    </select>
  </div>`;

const FREE_TEXT = { autocomplete: 'off', maxlength: 100 };

export const Search = ({ id, label, value, hint, more = {}, ...input }) =>
  html`<div class="field">
    <label for=${id}>${label}</label>
    <input
      type="search"
      id=${id}
      value=${value}
      placeholder=${hint}
      ...${FREE_TEXT}
      onInput=${narrowing(id, more)}
      ...${input}
    />
  </div>`;

export const Turn = ({ label, off, onClick }) =>
  html`<button class="small-button" type="button" disabled=${off} onClick=${onClick}>${label}</button>`;

export function Chips({ label, options, chosen, onChoose }) {
  const chip = ([value, words]) =>
    html`<button key=${value} type="button" aria-pressed=${value === chosen} onClick=${() => onChoose(value)}>
      ${words}
    </button>`;
  return html`<div class="chips" role="group" aria-label=${label}>${options.map(chip)}</div>`;
}

// What a cell is called where columns have no room for a head.
export const Named = ({ name, children }) => html`<span class="named" data-name=${name}>${children}</span>`;

export const Rider = ({ userid }) => html`<a class="link" href="#/rider/${userid}">${t('riderNo', userid)}</a>`;

// `href`: the list of what it counts.
export const Figure = ({ name, value, tone, icon, href }) =>
  html`<div class="figure ${tone ?? ''}">
    <dt>${icon && html`<${Icon} name=${icon} />`}${name}</dt>
    <dd>${href ? html`<a href=${href}>${value}<span class="unseen"> ${name}</span></a>` : value}</dd>
  </div>`;

// rows: [name, amount, words]. The picture is for the eye; the same figures stand below it as words.
function Chart({ title, rows, children, of }) {
  return html`<figure class="card chart">
    <figcaption><h2>${title}</h2></figcaption>
    ${children}
    <details><summary>${t('asTable')}</summary>
      <table><thead><tr><th scope="col">${of}</th><th scope="col">${title}</th></tr></thead>
      <tbody>
        ${rows.map(([name, , words]) => html`<tr key=${name}><th scope="row">${name}</th><td>${words}</td></tr>`)}
      </tbody></table>
    </details>
  </figure>`;
}

const HIGH = 100;

export function Columns({ title, of, rows, most, sum }) {
  const top = Math.max(...rows.map(([, amount]) => amount), 1);
  const wide = 100 / rows.length;
  const bar = ([name, amount], index) => {
    const height = (amount / top) * HIGH;
    const x = (index + 0.12) * wide;
    return html`<rect key=${name} x=${x} width=${wide * 0.76} y=${HIGH - height} height=${height} />`;
  };
  const marks = [0, Math.floor(rows.length / 2), rows.length - 1].map((index) => rows[index][0]);
  return html`<${Chart} title=${title} rows=${rows} of=${of}>
    <p class="sum">${sum}</p>
    <div class="plot">
      <span class="soft top-mark">${most(top)}</span>
      <svg viewBox="0 0 100 ${HIGH}" preserveAspectRatio="none" role="img" aria-label=${`${title}: ${sum}`}>
        <path class="grid" d="M0 .5H100M0 50H100M0 99.500H100" />
        ${rows.map(bar)}
      </svg>
      <p class="marks soft" aria-hidden="true">${marks.map((mark) => html`<span key=${mark}>${mark}</span>`)}</p>
    </div>
  <//>`;
}

// rows: [name, share of 1, words].
export const Bars = ({ title, of, rows }) =>
  html`<${Chart} title=${title} rows=${rows} of=${of}>
    <div class="bars" role="img" aria-label="${title}: ${rows.map(([name, , words]) => `${name} ${words}`).join(', ')}">
      ${rows.map(
        ([name, share, words]) => html`<div key=${name} aria-hidden="true">
          <span>${name}</span><span class="soft">${words}</span>
          <svg viewBox="0 0 100 8" preserveAspectRatio="none">
            <rect class="rest" width="100" height="8" /><rect width=${share * 100} height="8" />
          </svg>
        </div>`,
      )}
    </div>
  <//>`;
