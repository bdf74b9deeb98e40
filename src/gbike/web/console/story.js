// A bike's whole story: its rides, bills and reports, and what was said of it, newest first.
import { ask } from '../shared/api.js';
import { html, useEffect, useRead, useState } from '../shared/lib.js';
import { Battery, Empty, Facts, Icon, Loaded, More, Notice, Page, Status } from '../shared/parts.js';
import { statusOf, wordOf } from '../shared/rental.js';
import { narrow, useRoute } from '../shared/shell.js';
import { useStore } from '../shared/state.js';
import { lasting, place, stamp, t, won } from '../shared/text.js';
import { follow } from './fleet.js';
import { Chips, Rider } from './parts.js';
import { ago, since } from './words.js';

const MOST = 200; // of each kind
const SHOWN = 60;
const KINDS = ['all', 'rides', 'bills', 'reports', 'events'];

async function read(bikeid) {
  const [bike, rides, reports, events] = await Promise.all([
    ask('GET', `/bikes/${bikeid}`),
    ask('GET', `/rentAndBillingViews?bikeid=${bikeid}&size=${MOST}`),
    ask('GET', `/bikeManageApps?bikeid=${bikeid}&size=${MOST}&sort=reportid,desc`),
    ask('GET', `/bikes/${bikeid}/events?size=${MOST}`),
  ]);
  const lines = [
    ...rides._embedded.rentAndBillingViews.flatMap(ofRide),
    ...reports._embedded.bikeManageApps.map(ofReport),
    ...events._embedded.events.map(ofEvent),
  ];
  lines.sort((a, b) => (b.at ?? '').localeCompare(a.at ?? '') || b.rank - a.rank);
  return { bike, lines, cut: [rides, reports, events].some(({ page }) => page.totalElements > MOST) };
}

function ofRide({ rentid, userid, billid, fee, billingStatus, rentStarttime: start, rentEndTime: end }) {
  const by = { text: t('riderNo', userid), href: `#/rider/${userid}` };
  const lasted = end && start && lasting(Date.parse(end) - Date.parse(start));
  const paid = [fee === null ? '' : won(fee), t(billingStatus === 'CLOSEBILL' ? 'settled' : 'settling')];
  const began = { id: `b${rentid}`, kind: 'rides', icon: 'person', at: start, rank: 1, text: t('rideBegan', rentid) };
  const over = { id: `e${rentid}`, kind: 'rides', icon: 'check', at: end, rank: 2, text: t('rideEnded', rentid) };
  const bill = { id: `m${billid}`, kind: 'bills', icon: 'wallet', at: end, rank: 3, text: t('billNo', billid) };
  return [
    start && { ...began, by },
    end && { ...over, more: lasted, by },
    billid && end && { ...bill, more: paid.filter(Boolean).join(' · '), by },
  ].filter(Boolean);
}

function ofReport({ reportid, managerid, batterylevel, usableyn, at }) {
  const more = [t('battery', batterylevel), usableyn === null ? null : t(usableyn ? 'usable' : 'unusable')];
  const by = { text: t('managerNo', managerid), href: `#/manager/${managerid}` };
  const report = { id: `r${reportid}`, kind: 'reports', icon: 'wrench', at, rank: 1, text: t('reportNo', reportid) };
  return { ...report, more: more.filter(Boolean).join(' · '), by };
}

function ofEvent({ eventid, type, at, facts: { rentid, status, location, batterylevel } }) {
  const more = [
    rentid && t('ride', rentid),
    status && t(wordOf(status)),
    location && place(location),
    Number.isInteger(batterylevel) && t('battery', batterylevel),
  ];
  const event = { id: `v${eventid}`, kind: 'events', icon: 'bolt', at, rank: 0, text: type, code: true };
  return { ...event, more: more.filter(Boolean).join(' · ') };
}

export function StoryPage({ bikeid }) {
  const rent = useStore().rides?.get(Number(bikeid));
  const story = useRead(() => read(bikeid), [rent?.rentid]);
  useEffect(follow, []);
  const way = { text: t('bikes'), href: '#/bikes' };
  return html`<${Page} title=${t('number', bikeid)} back="#/bikes">
    ${
      !story.found && story.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('unknownBike', bikeid)} way=${way} />`
        : html`<${Loaded} of=${story} rows=${5}>${(found) => html`<${Story} rent=${rent} ...${found} />`}<//>`
    }
  <//>`;
}

function Story({ bike, lines, cut, rent }) {
  const { query } = useRoute();
  const [most, setMost] = useState(SHOWN);
  const show = KINDS.includes(query.show) ? query.show : 'all';
  const shown = lines.filter((line) => show === 'all' || line.kind === show);
  const choose = (kind) => narrow({ show: kind === 'all' ? '' : kind });
  const items = shown.slice(0, most).map((line) => html`<${Line} key=${line.id} ...${line} />`);
  return html`<${Now} bike=${bike} rent=${rent} />
    <${Chips} label=${t('story')} options=${KINDS.map((kind) => [kind, t(kind)])} chosen=${show} onChoose=${choose} />
    ${
      items.length
        ? html`<ol class="card story">${items}</ol>`
        : html`<${Empty} icon="list" title=${t('noStory')} hint=${t('noStoryHint')} />`
    }
    ${shown.length > most && html`<${More} onClick=${() => setMost(most + SHOWN)} />`}
    ${cut && html`<p class="soft">${t('storyCut', MOST)}</p>`}`;
}

const Line = ({ icon, kind, at, text, more, by, code }) =>
  html`<li class=${kind}>
    <span class="sign small"><${Icon} name=${icon} /></span>
    <div class="grow">
      <p class=${code ? 'code' : 'main'}>${text}</p>
      ${more && html`<p class="soft">${more}</p>`}
      ${by && html`<a class="link soft" href=${by.href}>${by.text}</a>`}
    </div>
    <time class="soft" datetime=${at}>${at ? stamp(at) : t('timeUnknown')}</time>
  </li>`;

const pointOf = ({ lat, lon }) => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;

function Now({ bike, rent }) {
  const { rides } = useStore();
  const rows = [
    bike.label && [t('label'), bike.label],
    [t('where'), place(bike.location)],
    [t('currentRide'), rent ? html`<${Rider} userid=${rent.userid} /> · ${since(rent.starttime)}` : '–'],
    [t('lastSeen'), bike.lastseen ? ago(bike.lastseen) : '–'],
    bike.lat !== null && [t('coordinates'), pointOf(bike)],
    bike.point?.stale && [
      t('oldPoint'),
      [pointOf(bike.point), bike.point.at && ago(bike.point.at)].filter(Boolean).join(' · '),
    ],
  ];
  return html`<div class="card">
    <p class="line"><${Status} is=${statusOf(bike, rides)} /><${Battery} percent=${bike.batterylevel} /></p>
    <${Facts} rows=${rows} />
  </div>`;
}
