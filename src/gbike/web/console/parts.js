// The console's own components: a table that draws only what is seen of it, what a table is narrowed by, columns and bars.
import { html, useEffect, useRef, useState } from '../lib.js';
import { Icon } from '../parts.js';
import { t } from '../text.js';
import { narrow } from './route.js';

const SPARE = 8; // rows drawn above and below what is seen

// `columns`: [name, label, cell, sortable]. The first one names the row. Each row is as high as the others.
export function Table({ label, columns, rows, rowKey, sort, down, onSort, tall }) {
  const box = useRef(null);
  const [seen, look] = useState({ top: 0, height: 600, row: 48 });
  const watch = () => {
    const { scrollTop: top, clientHeight: height } = box.current;
    const row = parseFloat(getComputedStyle(box.current).getPropertyValue('--row')) || 48;
    look((before) => (before.row === row && before.height === height && Math.abs(before.top - top) < (SPARE / 2) * row ? before : { top, height, row }));
  };
  useEffect(() => {
    watch();
    addEventListener('resize', watch);
    return () => removeEventListener('resize', watch);
  }, []);
  const first = Math.max(0, Math.floor(seen.top / seen.row) - SPARE);
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / seen.row) + SPARE);
  const space = (height) => html`<div class="space" style=${{ height: `${height}px` }} />`;
  return html`<div class="table ${tall ? 'tall' : ''} of-${columns.length}" role="table" aria-label=${label} aria-rowcount=${rows.length + 1}>
    <div role="rowgroup" class="head"><div role="row" aria-rowindex="1">
      ${columns.map(
        ([name, title, , sortable]) => html`<div key=${name} role="columnheader" class=${name} aria-sort=${sort === name ? (down ? 'descending' : 'ascending') : undefined}>
          ${sortable && onSort ? html`<button type="button" onClick=${() => onSort(name)}>${title}<span class="way" aria-hidden="true">${sort === name ? (down ? '↓' : '↑') : ''}</span></button>` : title}
        </div>`,
      )}
    </div></div>
    <div role="rowgroup" class="rows" ref=${box} onScroll=${watch} tabindex="0" aria-label=${label}>
      ${space(first * seen.row)}
      ${rows.slice(first, last).map(
        (row, index) => html`<div role="row" key=${rowKey(row)} aria-rowindex=${first + index + 2}>
          ${columns.map(([name, , cell]) => html`<div key=${name} role=${name === columns[0][0] ? 'rowheader' : 'cell'} class=${name}>${cell(row)}</div>`)}
        </div>`,
      )}
      ${space((rows.length - last) * seen.row)}
    </div>
  </div>`;
}

export const Select = ({ id, label, value, options, onChange }) =>
  html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${options.map(([name, words]) => html`<option key=${name} value=${name} selected=${name === value}>${words}</option>`)}
    </select>
  </div>`;

// What is typed narrows at once, and stands in the address.
export const Search = ({ id, label, value, name, hint, ...input }) =>
  html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} type="search" value=${value} placeholder=${hint} autocomplete="off" maxlength="100" onInput=${(event) => narrow({ [name]: event.target.value })} ...${input} />
  </div>`;

export const Chips = ({ label, options, chosen, onChoose }) =>
  html`<div class="chips" role="group" aria-label=${label}>
    ${options.map(
      ([value, words]) => html`<button key=${value} type="button" aria-pressed=${value === chosen ? 'true' : 'false'} onClick=${() => onChoose(value)}>${words}</button>`,
    )}
  </div>`;

export const Figure = ({ name, value, tone, icon }) =>
  html`<div class="figure ${tone ?? ''}"><dt>${icon && html`<${Icon} name=${icon} />`}${name}</dt><dd>${value}</dd></div>`;

// rows: [name, amount, words]. The picture is for the eye; the same figures stand below it as words.
function Chart({ title, rows, children, of }) {
  return html`<figure class="card chart">
    <figcaption><h2>${title}</h2></figcaption>
    ${children}
    <details><summary>${t('asTable')}</summary>
      <table><thead><tr><th scope="col">${of}</th><th scope="col">${title}</th></tr></thead>
      <tbody>${rows.map(([name, , words]) => html`<tr key=${name}><th scope="row">${name}</th><td>${words}</td></tr>`)}</tbody></table>
    </details>
  </figure>`;
}

const HIGH = 100;

export function Columns({ title, of, rows, most, sum }) {
  const top = Math.max(...rows.map(([, amount]) => amount), 1);
  const wide = 100 / rows.length;
  const marks = [0, Math.floor(rows.length / 2), rows.length - 1].map((index) => rows[index][0]);
  return html`<${Chart} title=${title} rows=${rows} of=${of}>
    <p class="sum">${sum}</p>
    <div class="plot">
      <span class="soft top-mark">${most(top)}</span>
      <svg viewBox="0 0 100 ${HIGH}" preserveAspectRatio="none" role="img" aria-label=${`${title}: ${sum}`}>
        <path class="grid" d="M0 .5H100M0 50H100M0 99.500H100" />
        ${rows.map(([name, amount], index) => html`<rect key=${name} x=${index * wide + wide * 0.12} width=${wide * 0.76} y=${HIGH - (amount / top) * HIGH} height=${(amount / top) * HIGH} />`)}
      </svg>
      <p class="marks soft" aria-hidden="true">${marks.map((mark) => html`<span key=${mark}>${mark}</span>`)}</p>
    </div>
  <//>`;
}

// rows: [name, share of 1, words].
export const Bars = ({ title, of, rows }) =>
  html`<${Chart} title=${title} rows=${rows} of=${of}>
    <div class="bars" role="img" aria-label=${`${title}: ${rows.map(([name, , words]) => `${name} ${words}`).join(', ')}`}>
      ${rows.map(
        ([name, share, words]) => html`<div key=${name} aria-hidden="true">
          <span>${name}</span><span class="soft">${words}</span>
          <svg viewBox="0 0 100 8" preserveAspectRatio="none"><rect class="rest" width="100" height="8" /><rect width=${share * 100} height="8" /></svg>
        </div>`,
      )}
    </div>
  <//>`;
