// The components of docs/guide/design.md. Pages are made of these and nothing else.
import { loaded, reopen } from './anew.js';
import { html, render, useEffect, useRef, useState, useWritten } from './lib.js';
import { set } from './state.js';
import { t, waitFor } from './text.js';

const PATHS = {
  bike:
    'M5.5 18a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm13 0a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z' +
    'M5.5 14.5 9 8.5h5l3 6m-8-6 3 6H5.5M12 14.5l2.5-6-.7-2.5H16M7.5 6H10',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  map: 'm9 5-5 2v12l5-2 6 2 5-2V5l-5 2-6-2Zm0 0v12m6-10v12',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3 2',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8.5c.5-3.5 3.3-5.5 7-5.5s6.5 2 7 5.5',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6.5 8.5c.4-3.2 3-5 6.5-5s6.1 1.8 6.5 5' +
    'M15.5 4.3a3.5 3.5 0 0 1 0 6.4m1.5 4.2c2.5.5 4.1 2.2 4.5 4.6',
  scan: 'M4 8V5a1 1 0 0 1 1-1h3m8 0h3a1 1 0 0 1 1 1v3m0 8v3a1 1 0 0 1-1 1h-3m-8 0H5a1 1 0 0 1-1-1v-3M8 12h8',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  wrench: 'M14.5 6.5a4 4 0 0 0-5.3 5L4 16.7V20h3.3l5.2-5.2a4 4 0 0 0 5-5.3L15 12l-3-3 2.5-2.5Z',
  pin: 'M12 21s7-6.2 7-11.5a7 7 0 0 0-14 0C5 14.8 12 21 12 21Zm0-9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  back: 'm14.5 6-6 6 6 6',
  next: 'm9.5 6 6 6-6 6',
  off:
    'M4 4l16 16M8.5 15.5a5 5 0 0 1 5-1.2M5.5 12a9.5 9.5 0 0 1 4.3-2.4m3.7-.2a9.5 9.5 0 0 1 5 2.6M2.5' +
    ' 8.7a14 14 0 0 1 4-2.5m4-1c4-.5 8 .8 11 3.5M12 19h.01',
  alert:
    'M12 8v5m0 3.5h.01M10.5 4.2 2.8 17.5A1.7 1.7 0 0 0 4.3 20h15.4a1.7 1.7 0 0 0 1.5-2.5L13.5 4.2a1.7' +
    ' 1.7 0 0 0-3 0Z',
  wallet:
    'M4 7.5A1.5 1.5 0 0 1 5.5 6H18v3m-14-1.5V18a1.5 1.5 0 0 0 1.5 1.5H19a1 1 0 0 0 1-1V10a1 1 0 0' +
    ' 0-1-1H5.5A1.5 1.5 0 0 1 4 7.5ZM16 14h.01',
  plus: 'M12 5v14M5 12h14',
  close: 'm6 6 12 12M18 6 6 18',
  find: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.5 5 5',
  chart: 'M4 20h16M7 16v-5m5 5V6m5 10v-8',
  pulse: 'M3 12h4l3-7 4 14 3-7h4',
  bolt: 'M13 3 5 13.5h6L10 21l8-10.5h-6L13 3Z',
};

export const Icon = ({ name }) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;

// A status is told by its words and its sign; the colour only helps.
const STATUS = {
  free: ['check', 'free'],
  taken: ['person', 'taken'],
  broken: ['wrench', 'broken'],
  gone: ['alert', 'gone'],
  held: ['wrench', 'broken'],
  low: ['bolt', 'broken'],
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
        <span class="cell" aria-hidden="true">
          <span class="charge ${percent < 20 ? 'low' : ''}" style=${{ width: `${percent}%` }} />
        </span>
        <span aria-hidden="true">${percent}%</span>
      </span>`;

export function Big({ label, busyLabel, busy, onClick, href, icon, kind = 'primary', type = 'button', disabled }) {
  const inside = html`${icon && html`<${Icon} name=${icon} />`}<span>${busy ? busyLabel : label}</span>`;
  if (href) return html`<a class="big ${kind}" href=${href}>${inside}</a>`;
  const off = busy || disabled ? 'true' : undefined;
  return html`<button class="big ${kind}" type=${type} onClick=${onClick} aria-disabled=${off}>
    ${busy && html`<span class="spin" aria-hidden="true" />`}${inside}
  </button>`;
}

export const Empty = ({ icon, title, hint, children }) =>
  html`<div class="empty">
    <span class="sign"><${Icon} name=${icon} /></span><h2>${title}</h2><p>${hint}</p>${children}
  </div>`;

// As high as what comes, so that nothing jumps when it comes.
export const Loading = ({ rows = 4, tall }) =>
  html`<div role="status" class="loading ${tall ? 'tall' : ''}">
    <span class="unseen">${t('loading')}</span>
    ${Array.from({ length: rows }, (_, row) => html`<div class="bone" key=${row} aria-hidden="true" />`)}
  </div>`;

export const Failed = ({ again = reopen }) =>
  html`<${Empty} icon="off" title=${t('failed')} hint=${t('failedHint')}>
    <${Big} kind="quiet" label=${t('again')} onClick=${again} />
  <//>`;

// What there is of something that is read: bones until it came, and a way to ask again where it did not.
export const Loaded = ({ of: { found, failed, again }, rows, tall, children }) => {
  if (found !== null) return children(found);
  return failed ? html`<${Failed} again=${again} />` : html`<${Loading} rows=${rows} tall=${tall} />`;
};

export const More = ({ onClick }) => html`<${Big} kind="quiet" label=${t('more')} onClick=${onClick} />`;

// What there is to tell. Where it says to try again in N seconds it counts them.
// `deed`: what may be done about it, { text, run }.
export function Notice({ tone, text, way, until, again, deed }) {
  const left = useSeconds(until);
  const sign = { good: 'check', warn: 'off', bad: 'alert', calm: 'alert' }[tone];
  return html`<div class="notice ${tone}" role=${tone === 'bad' ? 'alert' : 'status'}>
    <${Icon} name=${sign} />
    <div>
      <p>${text}</p>
      ${left > 0 && html`<p class="soft">${t('busyIn', waitFor(left))}</p>`}
      ${
        way &&
        html`<a class="link" href=${way.href} onClick=${() => set({ notice: null })}>
          ${way.text}<${Icon} name="next" />
        </a>`
      }
      ${deed && html`<button class="link" type="button" onClick=${deed.run}>${deed.text}</button>`}
      ${again && left <= 0 && html`<button class="link" type="button" onClick=${again}>${t('again')}</button>`}
    </div>
  </div>`;
}

export function useSeconds(until) {
  const [now, setNow] = useState(Date.now());
  const left = until ? Math.max(0, Math.ceil((until - now) / 1000)) : 0;
  useEffect(() => {
    if (!left) return undefined;
    const timer = setTimeout(() => setNow(Date.now()), 250);
    return () => clearTimeout(timer);
  });
  return left;
}

// The element in which a map is drawn, of what `load` gives when the page is opened. It shows what was last handed in.
export function useMap(load, choose, ...shown) {
  const [box, drawn, last] = [useRef(null), useRef(null), useRef(null)];
  last.current = shown;
  useEffect(() => {
    const show = ({ draw }) => {
      if (!box.current) return; // the page was left; what ends an effect comes only after the next frame
      drawn.current = draw(box.current, choose);
      drawn.current.show(...last.current);
    };
    loaded(load).then(show, () => box.current && render(html`<${Failed} />`, box.current));
    return () => drawn.current?.remove();
  }, []);
  useEffect(() => drawn.current?.show(...shown), shown);
  return box;
}

export function Field({ id, label, hint, wrong, ...input }) {
  const box = useWritten(id, input);
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ') || undefined;
  const invalid = wrong ? 'true' : undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input ref=${box} id=${id} name=${id} aria-describedby=${described} aria-invalid=${invalid} ...${input} />
    ${hint && html`<p id="${id}-hint" class="soft">${hint}</p>`}
    ${wrong && html`<${Wrong} id="${id}-wrong" text=${wrong} />`}
  </div>`;
}

// `options`: [value, label, language].
const Radios = ({ options, chosen, onChoose, ...input }) =>
  options.map(([value, label, lang]) => {
    const is = value === chosen;
    return html`<label key=${value} class=${is ? 'on' : ''} lang=${lang}>
      <input type="radio" value=${value} checked=${is} onChange=${() => onChoose(value)} ...${input} />${label}
    </label>`;
  });

export const Amounts = ({ kind = 'amounts', name = 'amount', legend, ...radios }) =>
  html`<fieldset class=${kind}><legend>${legend}</legend><${Radios} name=${name} ...${radios} /></fieldset>`;

export const Choice = ({ legend, ...radios }) =>
  html`<fieldset class="choice">
    <legend>${legend}</legend><div class="segments"><${Radios} ...${radios} /></div>
  </fieldset>`;

export const Wrong = ({ id, text }) => html`<p id=${id} class="wrong" role="alert"><${Icon} name="alert" />${text}</p>`;

const LOADED = new WeakMap();

// Pages that few open, or nobody at first, loaded when somebody does.
export function Later({ load, waiting, failed = Failed, ...props }) {
  const [Part, setPart] = useState(() => LOADED.get(load));
  useEffect(() => {
    if (Part) return;
    const show = (part) => setPart(() => part);
    const know = (part) => LOADED.set(load, part) && show(part);
    loaded(load).then(know, () => show(failed));
  }, []);
  useEffect(() => {
    set({}); // the title is known now
    if (Part && document.activeElement === document.body) document.querySelector('h1')?.focus({ preventScroll: true });
  }, [Part]);
  return Part ? html`<${Part} ...${props} />` : waiting;
}

export const Facts = ({ rows }) =>
  html`<dl class="facts">
    ${rows.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

export const Top = ({ title, back, beside }) =>
  html`<div class="top">
    ${back && html`<a class="round" href=${back} aria-label=${t('back')}><${Icon} name="back" /></a>`}
    <h1 tabindex="-1">${title}</h1>
    ${beside}
  </div>`;

// The way to tell what is wrong with a bike.
export const Complain = ({ bikeid }) =>
  html`<p class="aside"><a class="link" href="#/complain/${bikeid}">${t('complain')}</a></p>`;

// A page, which is a form where something is sent.
export const Page = ({ more = '', onSubmit, children, ...top }) =>
  html`<${onSubmit ? 'form' : 'section'} class="page ${more}" onSubmit=${onSubmit} novalidate=${onSubmit && true}>
    <${Top} ...${top} />${children}
  <//>`;
