// The components of docs/design.md. Pages are made of these and nothing else.
import { html, useEffect, useRef, useState } from './lib.js';
import { set } from './store.js';
import { t } from './text.js';

const PATHS = {
  bike: 'M5.500 18a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Zm13 0a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM5.500 14.500 9 8.500h5l3 6m-8-6 3 6H5.500M12 14.500l2.500-6-.7-2.500H16M7.500 6H10',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  map: 'm9 5-5 2v12l5-2 6 2 5-2V5l-5 2-6-2Zm0 0v12m6-10v12',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3 2',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8.500c.5-3.500 3.300-5.500 7-5.500s6.500 2 7 5.500',
  scan: 'M4 8V5a1 1 0 0 1 1-1h3m8 0h3a1 1 0 0 1 1 1v3m0 8v3a1 1 0 0 1-1 1h-3m-8 0H5a1 1 0 0 1-1-1v-3M8 12h8',
  check: 'm5 12.500 4.500 4.500L19 7.500',
  wrench: 'M14.500 6.500a4 4 0 0 0-5.300 5L4 16.700V20h3.300l5.200-5.200a4 4 0 0 0 5-5.300L15 12l-3-3 2.500-2.500Z',
  pin: 'M12 21s7-6.200 7-11.500a7 7 0 0 0-14 0C5 14.800 12 21 12 21Zm0-9a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z',
  back: 'm14.500 6-6 6 6 6',
  next: 'm9.500 6 6 6-6 6',
  off: 'M4 4l16 16M8.500 15.500a5 5 0 0 1 5-1.200M5.500 12a9.500 9.500 0 0 1 4.300-2.400m3.700-.2a9.500 9.500 0 0 1 5 2.600M2.500 8.700a14 14 0 0 1 4-2.500m4-1c4-.5 8 .8 11 3.500M12 19h.01',
  alert: 'M12 8v5m0 3.500h.01M10.500 4.200 2.800 17.500A1.700 1.700 0 0 0 4.300 20h15.400a1.700 1.700 0 0 0 1.500-2.500L13.500 4.200a1.700 1.700 0 0 0-3 0Z',
  wallet: 'M4 7.500A1.500 1.500 0 0 1 5.500 6H18v3m-14-1.500V18a1.500 1.500 0 0 0 1.500 1.500H19a1 1 0 0 0 1-1V10a1 1 0 0 0-1-1H5.500A1.500 1.500 0 0 1 4 7.500ZM16 14h.01',
  plus: 'M12 5v14M5 12h14',
  chart: 'M4 20h16M7 16v-5m5 5V6m5 10v-8',
  pulse: 'M3 12h4l3-7 4 14 3-7h4',
  bolt: 'M13 3 5 13.500h6L10 21l8-10.500h-6L13 3Z',
};

export const Icon = ({ name }) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;

// A status is told by its words and its sign; the colour only helps.
const STATUS = {
  free: ['check', 'free'],
  taken: ['person', 'taken'],
  broken: ['wrench', 'broken'],
  gone: ['alert', 'gone'],
  usable: ['check', 'free'],
  fault: ['wrench', 'broken'],
  open: ['clock', 'taken'],
  settled: ['check', 'free'],
  settling: ['clock', 'broken'],
};

export function Status({ is }) {
  const [icon, tone] = STATUS[is];
  return html`<span class="status ${tone}"><${Icon} name=${icon} />${t(is)}</span>`;
}

export const Battery = ({ percent }) =>
  percent === null || percent === undefined
    ? null
    : html`<span class="battery" role="img" aria-label=${t('battery', percent)}>
        <span class="cell" aria-hidden="true"><span class="charge ${percent < 20 ? 'low' : ''}" style=${{ width: `${percent}%` }} /></span>
        <span aria-hidden="true">${percent}%</span>
      </span>`;

export function Big({ label, busyLabel, busy, onClick, href, icon, kind = 'primary', type = 'button', disabled }) {
  const inside = html`${icon && html`<${Icon} name=${icon} />`}<span>${busy ? busyLabel : label}</span>`;
  if (href) return html`<a class="big ${kind}" href=${href}>${inside}</a>`;
  return html`<button class="big ${kind}" type=${type} onClick=${onClick} aria-disabled=${busy || disabled ? 'true' : undefined}>
    ${busy && html`<span class="spin" aria-hidden="true" />`}${inside}
  </button>`;
}

export const Empty = ({ icon, title, hint, children }) =>
  html`<div class="empty"><span class="sign"><${Icon} name=${icon} /></span><h2>${title}</h2><p>${hint}</p>${children}</div>`;

// As high as what comes, so that nothing jumps when it comes.
export const Loading = ({ rows = 4, tall }) =>
  html`<div role="status" class="loading ${tall ? 'tall' : ''}">
    <span class="unseen">${t('loading')}</span>
    ${Array.from({ length: rows }, (_, row) => html`<div class="bone" key=${row} aria-hidden="true" />`)}
  </div>`;

export const Failed = ({ again }) =>
  html`<${Empty} icon="off" title=${t('failed')} hint=${t('failedHint')}>
    <${Big} kind="quiet" label=${t('again')} onClick=${again} />
  <//>`;

// What there is to tell. Where it says to try again in N seconds it counts them.
export function Notice({ tone, text, way, until, again }) {
  const left = useSeconds(until);
  const sign = { good: 'check', warn: 'off', bad: 'alert', calm: 'alert' }[tone];
  return html`<div class="notice ${tone}" role=${tone === 'bad' ? 'alert' : 'status'}>
    <${Icon} name=${sign} />
    <div>
      <p>${text}</p>
      ${left > 0 && html`<p class="soft">${t('busyIn', left)}</p>`}
      ${way && html`<a class="link" href=${way.href} onClick=${() => set({ notice: null })}>${way.text}<${Icon} name="next" /></a>`}
      ${again && left <= 0 && html`<button class="link" type="button" onClick=${again}>${t('again')}</button>`}
    </div>
  </div>`;
}

export function useSeconds(until) {
  const [now, tick] = useState(Date.now());
  const left = until ? Math.max(0, Math.ceil((until - now) / 1000)) : 0;
  useEffect(() => {
    if (!left) return undefined;
    const timer = setTimeout(() => tick(Date.now()), 250);
    return () => clearTimeout(timer);
  });
  return left;
}

// The element in which a map is drawn, of what `load` gives when the page is opened. It shows what was last handed in.
export function useMap(load, choose, ...shown) {
  const [box, drawn, last] = [useRef(null), useRef(null), useRef(null)];
  last.current = shown;
  useEffect(() => {
    load().then(({ draw }) => {
      if (!box.current) return; // the page was left; what ends an effect comes only after the next frame
      drawn.current = draw(box.current, choose);
      drawn.current.show(...last.current);
    });
    return () => drawn.current?.remove();
  }, []);
  useEffect(() => drawn.current?.show(...shown), shown);
  return box;
}

export function Field({ id, label, hint, wrong, ...input }) {
  const told = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} name=${id} aria-describedby=${told || undefined} aria-invalid=${wrong ? 'true' : undefined} ...${input} />
    ${hint && html`<p id="${id}-hint" class="soft">${hint}</p>`}
    ${wrong && html`<p id="${id}-wrong" class="wrong" role="alert"><${Icon} name="alert" />${wrong}</p>`}
  </div>`;
}

export const Choice = ({ name, legend, options, chosen, onChoose }) =>
  html`<fieldset class="choice">
    <legend>${legend}</legend>
    <div class="segments">
      ${options.map(
        ([value, label, lang]) => html`<label key=${value} class=${value === chosen ? 'on' : ''} lang=${lang}>
          <input type="radio" name=${name} value=${value} checked=${value === chosen} onChange=${() => onChoose(value)} /><span>${label}</span>
        </label>`,
      )}
    </div>
  </fieldset>`;

export const Facts = ({ rows }) =>
  html`<dl class="facts">${rows.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

export const Top = ({ title, back, children }) =>
  html`<div class="top">
    ${back && html`<a class="round" href=${back} aria-label=${t('back')}><${Icon} name="back" /></a>`}
    <h1 tabindex="-1">${title}</h1>
    ${children}
  </div>`;
