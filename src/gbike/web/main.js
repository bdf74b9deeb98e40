// The rider's app: which page an address means, what stands around every page, and when the state is read anew.
import { begin, refresh, resume } from './actions.js';
import { BikePage, NumberPage } from './bike.js';
import { Find } from './find.js';
import { html, render, useEffect, useRef, useState } from './lib.js';
import { listen, live } from './live.js';
import { look, MePage, SignInPage, SignUpPage } from './me.js';
import { Big, Failed, Icon, Loading, Notice, Top } from './parts.js';
import { PayPage, TopUpPage } from './pay.js';
import { ReturnPage, RidePage } from './ride.js';
import { BillPage, RidesPage } from './rides.js';
import { kept, set, state, useStore } from './store.js';
import { waiting } from './taps.js';
import { preferred, speak, t } from './text.js';

const FRESH_MS = 15_000;
const SELDOM = 4; // while we are told what changes, it is asked so many times less often
const TOGETHER_MS = 150; // what is told of one ride comes in several pieces
const PAGES = [
  [/^\/?$/, () => html`<${Find} />`, 'bikes'],
  [/^\/number$/, () => html`<${NumberPage} />`, 'bikes'],
  [/^\/bike\/([0-9]+)$/, (id) => html`<${BikePage} bikeid=${id} />`, 'bikes'],
  [/^\/ride$/, () => html`<${RidePage} />`, 'ride'],
  [/^\/return\/([0-9]+)$/, (id) => html`<${ReturnPage} rentid=${id} />`, 'ride'],
  [/^\/rides$/, () => html`<${RidesPage} />`, 'rides'],
  [/^\/rides\/([0-9]+)$/, (id) => html`<${BillPage} rentid=${id} />`, 'rides'],
  [/^\/rides\/([0-9]+)\/done$/, (id) => html`<${BillPage} rentid=${id} just />`, 'rides'],
  [/^\/topup$/, () => html`<${TopUpPage} />`, 'rides'],
  [/^\/pay\/([\w-]{1,64})$/, (id) => html`<${PayPage} paymentid=${id} />`, 'rides'],
  [/^\/me$/, () => html`<${MePage} />`, 'me'],
  [/^\/staff(\/.*)?$/, (rest) => html`<${Later} key="staff" load=${() => import('./staff/pages.js')} at=${rest ?? ''} />`, 'staff'],
];
const DOORS = [
  [/^\/signup$/, () => html`<${SignUpPage} />`],
  [/./, () => html`<${SignInPage} />`],
];

const path = () => location.hash.slice(1) || '/';

function found(pages, at) {
  for (const [pattern, page, tab] of pages) {
    const match = pattern.exec(at);
    if (match) return { page: page(...match.slice(1)), tab };
  }
  return { page: html`<section class="page"><${Top} title=${t('notFound')} /><${Big} kind="quiet" label=${t('find')} href="#/" /></section>` };
}

function App() {
  const { mode, who, online, notice, open } = useStore();
  const [at, move] = useState(path());
  const main = useRef(null);
  const first = useRef(true);
  useEffect(() => {
    const moved = () => {
      move(path());
      if (state.notice && state.notice.tone !== 'good') set({ notice: null });
    };
    addEventListener('hashchange', moved);
    move(path()); // where it led between drawing and listening
    return () => removeEventListener('hashchange', moved);
  }, []);
  useEffect(() => {
    const title = main.current?.querySelector('h1')?.textContent;
    document.title = title ? `${title} · gbike` : 'gbike';
  });
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.querySelector('h1')?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [at, who?.userid]);
  useEffect(() => {
    if (notice?.tone !== 'good') return undefined;
    const timer = setTimeout(() => set({ notice: null }), 6000);
    return () => clearTimeout(timer);
  }, [notice]);
  useEffect(() => (who ? listen(told) : undefined), [who?.userid]);
  const { page, tab } = found(who ? PAGES : DOORS, at);
  return html`<${Around} tab=${tab} ride=${open?.length > 0}>
    ${!online && html`<${Offline} />`}
    <main id="main" ref=${main} tabindex="-1" key=${at.split('/')[1]}>
      ${notice && html`<${Notice} ...${notice} />`}
      ${mode === null && !who ? html`<section class="page"><${Loading} rows=${5} /></section>` : page}
    </main>
  <//>`;
}

// Pages for few, loaded when somebody opens them.
function Later({ load, at }) {
  const [Page, come] = useState(null);
  const [failed, fail] = useState(false);
  useEffect(() => {
    load().then(
      (module) => come(() => module.default),
      () => fail(true),
    );
  }, []);
  useEffect(() => set({}), [Page]); // the title is known now
  if (failed) return html`<section class="page"><${Failed} again=${() => location.reload()} /></section>`;
  return Page ? html`<${Page} at=${at} />` : html`<section class="page"><${Loading} rows=${4} /></section>`;
}

function Offline() {
  const taps = waiting();
  const tap = taps.find(({ kind }) => kind !== 'report') ?? taps[0];
  const say = tap && { rent: 'waitingRent', return: 'waitingReturn', topUp: 'waitingTopUp', pay: 'waitingTopUp', convert: 'waitingConvert', report: 'waitingReports' }[tap.kind];
  return html`<p class="offline" role="status"><${Icon} name="off" /><span>${t(say ?? 'offline', taps.length)}</span></p>`;
}

const Tab = ({ name, icon, href, on }) =>
  html`<a href=${href} class=${on ? 'on' : ''} aria-current=${on ? 'page' : undefined}><${Icon} name=${icon} /><span>${t(name)}</span></a>`;

function Around({ tab, ride, children }) {
  const { mode, who } = useStore();
  return html`<a class="skip" href="#main" onClick=${skip}>${t('skip')}</a>
    <header class="bar">
      <a class="brand" href="#/"><${Icon} name="bike" />gbike</a>
      ${mode === 'demo' && html`<span class="tag">${t('demo')}</span>`}
      <button class="language" type="button" lang=${t('otherLang')} onClick=${() => speak(t('otherLang'))}>${t('other')}</button>
    </header>
    ${children}
    ${who &&
    html`<nav class="nav" aria-label=${t('menu')}>
      ${ride ? html`<${Tab} name="riding" icon="clock" href="#/ride" on=${tab === 'ride'} />` : null}
      <${Tab} name="bikes" icon="bike" href="#/" on=${tab === 'bikes'} />
      <${Tab} name="rides" icon="wallet" href="#/rides" on=${tab === 'rides'} />
      ${who.roles.includes('bikeManager') ? html`<${Tab} name="staff" icon="wrench" href="#/staff" on=${tab === 'staff'} />` : null}
      <${Tab} name="me" icon="person" href="#/me" on=${tab === 'me' || (tab === 'staff' && !who.roles.includes('bikeManager'))} />
    </nav>`}`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById('main').focus();
}

async function again() {
  await refresh();
  resume();
}

// Another tab wrote something down, or crossed it out; that is shown without a line too. Who wrote it down sends it: here
// it would be sent a second time, and its answer would lead away from what is looked at here.
function elsewhere() {
  set({});
  refresh();
}

let soon = null;

function told({ event, userid }) {
  if (event !== 'anew' && userid !== state.who?.userid) return;
  soon ??= setTimeout(() => {
    soon = null;
    set({ told: state.told + 1 });
    again();
  }, TOGETHER_MS);
}

async function start() {
  speak(preferred());
  look(kept('look', 'auto'));
  render(html`<${App} />`, document.getElementById('app'));
  await begin();
  // Before the first look: what comes while it is under way is heard, and what came before it is seen.
  document.addEventListener('visibilitychange', () => document.hidden || again());
  addEventListener('online', again);
  addEventListener('offline', () => set({ online: false }));
  addEventListener('storage', ({ key }) => key?.startsWith('gbike.') && elsewhere());
  await again();
  if (state.open?.length && path() === '/') location.replace('#/ride');
  let asked = 0;
  setInterval(() => {
    asked += 1;
    if (!document.hidden && (!live() || asked % SELDOM === 0)) again();
  }, FRESH_MS);
  if ('serviceWorker' in navigator && isSecureContext) navigator.serviceWorker.register('/app/sw.js').catch(() => {});
}

start();
