// What stands around every page: the bar, the notice, the title; and which page an address means.
import { html, render, useEffect, useRef, useState } from './lib.js';
import { Big, Icon, Loading, Notice, Page } from './parts.js';
import { scrollBack } from './scroll.js';
import { keep, kept, set, state, useStore } from './state.js';
import { preferred, t, use } from './text.js';

export function speak(language) {
  use(language);
  document.documentElement.lang = language;
  keep('language', language);
  set({});
}

export function look(as) {
  keep('look', as);
  if (as === 'auto') delete document.documentElement.dataset.look;
  else document.documentElement.dataset.look = as;
  set({});
}

export function show(App) {
  speak(kept('language') ?? preferred());
  look(kept('look', 'auto'));
  addEventListener('offline', () => set({ online: false }));
  render(html`<${App} />`, document.getElementById('app'));
}

// A path, and what its page is narrowed to: `#/bike/7?show=rides` outlives a reload and can be sent on.
export function here() {
  const [path, query] = (location.hash.slice(1) || '/').split('?');
  return { path, query: Object.fromEntries(new URLSearchParams(query ?? '')) };
}

export function address(path, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return `#${path}${said.length ? `?${new URLSearchParams(said)}` : ''}`;
}

// Narrowing is no page of its own to go back to.
export function narrow(change) {
  const { path, query } = here();
  history.replaceState(history.state, '', address(path, { ...query, ...change }));
  dispatchEvent(new Event('narrowed'));
}

// Turning a page or sorting is something to go back from.
export function move(change) {
  const { path, query } = here();
  history.pushState(null, '', address(path, { ...query, ...change }));
  dispatchEvent(new Event('narrowed'));
}

export function useRoute() {
  const [route, setRoute] = useState(here());
  useEffect(() => {
    const moved = () => setRoute(here());
    addEventListener('hashchange', moved);
    addEventListener('narrowed', moved);
    moved(); // where it led between drawing and listening
    return () => {
      removeEventListener('hashchange', moved);
      removeEventListener('narrowed', moved);
    };
  }, []);
  return route;
}

// `pages`: [pattern, page, tab]; `home`: what the first page is called.
export function pageAt(pages, path, home) {
  for (const [pattern, page, tab] of pages) {
    const match = pattern.exec(path);
    if (match) return { page: page(...match.slice(1)), tab };
  }
  const way = html`<${Big} kind="quiet" label=${t(home)} href="#/" />`;
  return { page: html`<${Page} title=${t('notFound')}>${way}<//>` };
}

// `above` stands over the page, `top` at its beginning, `below` after it.
export function Shell({ name, mark, page, above, top, below }) {
  const { mode, who, notice } = useStore();
  const { path } = useRoute();
  const main = useRef(null);
  const first = useRef(true);
  useEffect(() => {
    const title = main.current?.querySelector('h1')?.textContent;
    document.title = title ? `${title} · ${name}` : name;
  });
  useEffect(() => {
    if (!first.current) main.current?.querySelector('h1')?.focus({ preventScroll: true });
    first.current = false;
  }, [path, who?.userid]);
  useEffect(() => scrollBack(main.current), [path]);
  useEffect(() => {
    const moved = () => state.notice && state.notice.tone !== 'good' && set({ notice: null });
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  useEffect(() => {
    if (notice?.tone !== 'good') return undefined;
    const timer = setTimeout(() => set({ notice: null }), notice.deed ? 30_000 : 6000);
    return () => clearTimeout(timer);
  }, [notice]);
  return html`<a class="skip" href="#main" onClick=${skip}>${t('skip')}</a>
    <header class="bar">
      <a class="brand" href="#/"><${Icon} name="bike" />gbike${mark && html`<span class="soft">${mark}</span>`}</a>
      ${mode === 'demo' && html`<span class="tag">${t('demo')}</span>`}
      <button class="language" type="button" lang=${t('otherLang')} onClick=${() => speak(t('otherLang'))}>
        ${t('other')}
      </button>
    </header>
    ${above}
    <main id="main" ref=${main} tabindex="-1" key=${path.split('/')[1]}>
      ${top}${notice && html`<${Notice} ...${notice} />`}
      ${mode === null && !who ? html`<section class="page"><${Loading} rows=${5} /></section>` : page}
    </main>
    ${below}`;
}

export const Offline = ({ text = t('offline') }) =>
  html`<p class="offline" role="status"><${Icon} name="off" /><span>${text}</span></p>`;

export const Tab = ({ name, icon, href, on }) =>
  html`<a href=${href} class=${on ? 'on' : ''} aria-current=${on ? 'page' : undefined}>
    <${Icon} name=${icon} /><span>${t(name)}</span>
  </a>`;

function skip(event) {
  event.preventDefault();
  document.getElementById('main').focus();
}
