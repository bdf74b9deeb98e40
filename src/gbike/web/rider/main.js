// The rider's app: which page an address means, what stands around every page, and when the state is read anew.

import { isLast } from '../shared/kept.js';
import { html, useEffect } from '../shared/lib.js';
import { listen, live } from '../shared/live.js';
import { Later, Loading } from '../shared/parts.js';
import { begin, follow } from '../shared/session.js';
import { here, pageAt, Shell, show, Tab, useRoute } from '../shared/shell.js';
import { keep, OF_TAB, set, state, useStore } from '../shared/state.js';
import { t } from '../shared/text.js';
import { recall, refresh, resume } from './actions.js';
import { BikePage } from './bike.js';
import { Find } from './find.js';
import { Held } from './offline.js';
import { ReturnPage } from './return.js';
import { RidePage } from './ride.js';

const FRESH_MS = 15_000;
const SOON_MS = 2500;
const SELDOM = 4; // while we are told what changes, it is asked so many times less often
const TOGETHER_MS = 150; // what is told of one ride comes in several pieces
const door = (at, token) => html`<${Doors} key=${at} at=${at} token=${token} then=${again} />`;
const DOORS = [
  [/^\/(signin|signup|forgot|terms)$/, door, 'signIn'],
  [/^\/(reset)\/([\w-]{1,200})$/, door, 'signIn'],
  [/^\/invited\/([\w-]{1,200})$/, (token) => html`<${Invited} key=${token} token=${token} />`, 'signIn'],
  [/^\/me\/deleted$/, () => html`<${Profile} key="deleted" at="deleted" />`, 'signIn'],
];
const PAGES = [
  [/^\/?$/, () => html`<${Find} />`, 'bikes'],
  [/^\/number$/, () => html`<${NumberPage} />`, 'bikes'],
  [/^\/bike\/([a-z0-9-]{1,36})\/?$/i, (called) => html`<${BikePage} key=${called} called=${called} />`, 'bikes'],
  [/^\/complain\/([0-9]+)$/, (id) => html`<${Complain} key=${id} bikeid=${Number(id)} />`, 'complain'],
  [/^\/ride$/, () => html`<${RidePage} />`, 'ride'],
  [/^\/return\/([0-9]+)$/, (id) => html`<${ReturnPage} rentid=${id} />`, 'ride'],
  [/^\/rides$/, () => html`<${RidesPage} />`, 'rides'],
  [/^\/rides\/([0-9]+)$/, (id) => html`<${BillPage} rentid=${id} />`, 'rides'],
  [/^\/rides\/([0-9]+)\/done$/, (id) => html`<${BillPage} rentid=${id} just />`, 'rides'],
  [/^\/statement$/, () => html`<${Statement} />`, 'rides'],
  [/^\/topup$/, () => html`<${TopUpPage} />`, 'rides'],
  [/^\/pay\/([\w-]{1,64})$/, (id) => html`<${PayPage} paymentid=${id} />`, 'rides'],
  [/^\/me$/, () => html`<${MePage} />`, 'me'],
  [/^\/me\/(\w+)$/, (at) => html`<${Profile} key=${at} at=${at} />`, 'me'],
  [/^\/staff(\/.*)?$/, (rest) => html`<${Staff} key="staff" at=${rest ?? ''} />`, 'staff'],
];
// Bikes and what they cost are looked at without an account.
const OPEN = PAGES.map(([pattern, page, tab]) => [pattern, tab === 'bikes' ? page : () => door('signin'), tab]);

function App() {
  const { mode, who, online, open, notice } = useStore();
  const { path } = useRoute();
  useEffect(() => (who ? listen(heard) : undefined), [who?.userid]);
  const found = pageAt([...(mode === 'demo' ? [] : DOORS), ...(who ? PAGES : OPEN)], path, 'find');
  const { tab } = found;
  const isEnded = notice?.ended && tab !== 'signIn';
  const isDoor = !who && (isEnded || (tab && tab !== 'bikes')); // where nothing else is offered
  useEffect(() => {
    const isOut = mode === 'secure' && !who && tab && tab !== 'signIn';
    if (isOut && here().path === path) keep('going', location.hash || '#/', OF_TAB);
  }, [mode, who, path]);
  const page = isEnded ? door('signin') : found.page;
  const below = (who || mode) && !isDoor && html`<${Menu} tab=${tab} riding=${open?.length > 0} who=${who} />`;
  return html`<${Shell} name="gbike" page=${page} above=${!online && html`<${Held} />`} below=${below} />`;
}

// Of no use at first, and loaded when somebody opens them.
const late = (load) => (props) => {
  const waiting = html`<section class="page"><${Loading} rows=${4} /></section>`;
  return html`<${Later} load=${load} waiting=${waiting} ...${props} />`;
};
const MePage = late(async () => (await import('./me.js')).MePage);
const ofRides = (name) => late(async () => (await import('./rides.js'))[name]);
const [RidesPage, BillPage] = [ofRides('RidesPage'), ofRides('BillPage')];
const [TopUpPage, PayPage] = [ofRides('TopUpPage'), ofRides('PayPage')];
const Staff = late(async () => (await import('../staff/pages.js')).default);
const Profile = late(async () => (await import('../profile/pages.js')).default);
const Doors = late(async () => (await import('../doors/pages.js')).default);
const NumberPage = late(async () => (await import('../scan/page.js')).default);
const Complain = late(async () => (await import('../complain/page.js')).default);
const Statement = late(async () => (await import('../statement/page.js')).default);
const Invited = late(async () => (await import('../invited/page.js')).default);

function Menu({ tab, riding, who }) {
  const bikes = html`<${Tab} name="bikes" icon="bike" href="#/" on=${tab === 'bikes'} />`;
  if (!who)
    return html`<nav class="nav" aria-label=${t('menu')}>
      ${bikes}<${Tab} name="signIn" icon="person" href="#/signin" />
    </nav>`;
  const isStaff = who.roles.includes('bikeManager');
  const isMe = tab === 'me' || (tab === 'staff' && !isStaff);
  return html`<nav class="nav" aria-label=${t('menu')}>
    ${riding && html`<${Tab} name="riding" icon="clock" href="#/ride" on=${tab === 'ride'} />`}
    ${bikes}
    <${Tab} name="rides" icon="wallet" href="#/rides" on=${tab === 'rides'} />
    ${isStaff && html`<${Tab} name="staff" icon="wrench" href="#/staff" on=${tab === 'staff'} />`}
    <${Tab} name="me" icon="person" href="#/me" on=${isMe} />
  </nav>`;
}

async function again() {
  await refresh();
  resume();
}

// Another tab wrote something down, or crossed it out; that is shown without a line too. Who wrote it down sends it:
// here it would be sent a second time, and its answer would lead away from what is looked at here.
function elsewhere() {
  follow();
  set({});
  refresh();
}

let soon = false;

function heard({ event, userid }) {
  if (event !== 'anew' && userid !== state.who?.userid) return;
  if (soon) return;
  soon = true;
  setTimeout(() => {
    soon = false;
    set({ changes: state.changes + 1 });
    again();
  }, TOGETHER_MS);
}

async function start() {
  show(App);
  const begun = begin();
  if (state.mode === null) await begun;
  recall();
  // Before the first look: what comes while it is under way is heard, and what came before it is seen.
  document.addEventListener('visibilitychange', () => document.hidden || again());
  addEventListener('online', again);
  addEventListener('storage', ({ key }) => key?.startsWith('gbike.') && !isLast(key) && elsewhere());
  const soon = new Promise((resolve) => setTimeout(resolve, SOON_MS));
  await Promise.race([again(), soon]); // somebody who rides is led to their ride at once, or not any more
  if (state.open?.length && here().path === '/') location.replace('#/ride');
  let asked = 0;
  setInterval(() => {
    asked += 1;
    if (!document.hidden && (!live() || asked % SELDOM === 0)) again();
  }, FRESH_MS);
  if ('serviceWorker' in navigator && isSecureContext) navigator.serviceWorker.register('/app/sw.js').catch(() => {});
}

start();
