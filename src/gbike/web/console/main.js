// The operator's console: which page an address means, who may see it, and what stands around every page.
import { begin } from '../actions.js';
import { html, render, useEffect, useRef } from '../lib.js';
import { look, SignInPage, SignUpPage } from '../me.js';
import { Big, Empty, Icon, Loading, Notice, Top } from '../parts.js';
import { kept, set, state, useStore } from '../store.js';
import { learn, preferred, speak, t } from '../text.js';
import { AddPage } from './add.js';
import { ChartsPage } from './charts.js';
import { en } from './en.js';
import { FleetPage } from './fleetpage.js';
import { ko } from './ko.js';
import { ManagersPage } from './managers.js';
import { MoneyPage } from './money.js';
import { RidesPage } from './rides.js';
import { useRoute } from './route.js';
import { StoryPage } from './story.js';
import { SystemPage } from './system.js';

const PAGES = [
  [/^\/?$/, () => html`<${FleetPage} />`, 'fleet'],
  [/^\/bike\/([0-9]+)$/, (id) => html`<${StoryPage} key=${id} bikeid=${id} />`, 'fleet'],
  [/^\/rides$/, () => html`<${RidesPage} />`, 'inProgress'],
  [/^\/add$/, () => html`<${AddPage} />`, 'add'],
  [/^\/money$/, () => html`<${MoneyPage} />`, 'money'],
  [/^\/managers$/, () => html`<${ManagersPage} />`, 'managers'],
  [/^\/charts$/, () => html`<${ChartsPage} />`, 'charts'],
  [/^\/system$/, () => html`<${SystemPage} />`, 'system'],
];
const MENU = [
  ['fleet', 'bike', '#/'],
  ['inProgress', 'clock', '#/rides'],
  ['add', 'plus', '#/add'],
  ['money', 'wallet', '#/money'],
  ['managers', 'person', '#/managers'],
  ['charts', 'chart', '#/charts'],
  ['system', 'pulse', '#/system'],
];

function found(path) {
  for (const [pattern, page, tab] of PAGES) {
    const match = pattern.exec(path);
    if (match) return { page: page(...match.slice(1)), tab };
  }
  return { page: html`<section class="page"><${Top} title=${t('notFound')} /><${Big} kind="quiet" label=${t('fleet')} href="#/" /></section>` };
}

function inside({ mode, who }, path) {
  if (mode === null && !who) return { page: html`<section class="page"><${Loading} rows=${5} /></section>` };
  if (!who) return { page: path === '/signup' ? html`<${SignUpPage} />` : html`<${SignInPage} />` };
  if (!who.roles.includes('admin')) return { page: html`<${NotYours} /> ` };
  return found(path);
}

const NotYours = () =>
  html`<section class="page"><${Top} title=${t('console')} />
    <${Empty} icon="person" title=${t('notYours')} hint=${t('notYoursHint')}><${Big} label=${t('toRiders')} href="/app/" /><//>
  </section>`;

function App() {
  const store = useStore();
  const { path } = useRoute();
  const main = useRef(null);
  const first = useRef(true);
  const { page, tab } = inside(store, path);
  useEffect(() => {
    const title = main.current?.querySelector('h1')?.textContent;
    document.title = title ? `${title} · ${t('console')}` : t('console');
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.querySelector('h1')?.focus({ preventScroll: true });
      if (state.notice) set({ notice: null });
    }
    first.current = false;
    document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [path, store.who?.userid]);
  return html`<a class="skip" href="#main" onClick=${skip}>${t('skip')}</a>
    <header class="bar">
      <a class="brand" href="#/"><${Icon} name="bike" />gbike<span class="soft">${t('console')}</span></a>
      ${store.mode === 'demo' && html`<span class="tag">${t('demo')}</span>`}
      <button class="language" type="button" lang=${t('otherLang')} onClick=${() => speak(t('otherLang'))}>${t('other')}</button>
    </header>
    ${tab !== undefined && html`<nav class="side" aria-label=${t('menu')}>${MENU.map(([name, icon, href]) => html`<a key=${name} href=${href} class=${name === tab ? 'on' : ''} aria-current=${name === tab ? 'page' : undefined}><${Icon} name=${icon} /><span>${t(name)}</span></a>`)}<a class="away" href="/app/#/me"><${Icon} name="back" /><span>${t('riderPages')}</span></a></nav>`}
    <main id="main" ref=${main} tabindex="-1">
      ${!store.online && html`<p class="offline" role="status"><${Icon} name="off" /><span>${t('offline')}</span></p>`}
      ${store.notice && html`<${Notice} ...${store.notice} />`}
      ${page}
    </main>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById('main').focus();
}

async function start() {
  learn({ ko, en });
  speak(preferred());
  look(kept('look', 'auto'));
  render(html`<${App} />`, document.getElementById('app'));
  while (state.mode === null) {
    await begin();
    if (state.mode === null) await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  addEventListener('offline', () => set({ online: false }));
  addEventListener('storage', ({ key }) => key === 'gbike.session' && begin());
}

start();
