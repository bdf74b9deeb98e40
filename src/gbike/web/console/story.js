// A bike's whole story: its rides, bills and reports, and what was said of it, newest first.
import { ask } from '../api.js';
import { html, useEffect, useState } from '../lib.js';
import { Battery, Big, Empty, Facts, Failed, Icon, Loading, Notice, Status, Top } from '../parts.js';
import { useStore } from '../store.js';
import { lasting, place, t, won } from '../text.js';
import { follow, FREE, statusOf } from './fleet.js';
import { Chips } from './parts.js';
import { narrow, useRoute } from './route.js';
import { ago, since, stamp } from './words.js';

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

function ofRide(ride) {
  const by = { text: t('riderNo', ride.userid), href: `#/money?rider=${ride.userid}` };
  const lines = [];
  const lasted = ride.rentEndTime && ride.rentStarttime && lasting(Date.parse(ride.rentEndTime) - Date.parse(ride.rentStarttime));
  if (ride.rentStarttime) lines.push({ id: `b${ride.rentid}`, kind: 'rides', icon: 'person', at: ride.rentStarttime, rank: 1, text: t('rideBegan', ride.rentid), by });
  if (ride.rentEndTime) lines.push({ id: `e${ride.rentid}`, kind: 'rides', icon: 'check', at: ride.rentEndTime, rank: 2, text: t('rideEnded', ride.rentid), more: lasted, by });
  const paid = ride.billingStatus === 'CLOSEBILL';
  if (ride.billid && ride.rentEndTime) {
    lines.push({ id: `m${ride.billid}`, kind: 'bills', icon: 'wallet', at: ride.rentEndTime, rank: 3, text: t('billNo', ride.billid), more: `${ride.fee === null ? '' : `${won(ride.fee)} · `}${t(paid ? 'settled' : 'settling')}`, by });
  }
  return lines;
}

const ofReport = (report) => ({
  id: `r${report.reportid}`, kind: 'reports', icon: 'wrench', at: report.at, rank: 1, text: t('reportNo', report.reportid),
  more: [t('battery', report.batterylevel), report.usableyn === null ? null : t(report.usableyn ? 'usable' : 'unusable')].filter(Boolean).join(' · '),
  by: { text: t('managerNo', report.managerid), href: `#/managers?manager=${report.managerid}` },
});

function ofEvent({ eventid, type, at, facts }) {
  const where = facts.location ? place(facts.location) : null;
  const state = facts.status && t({ [FREE]: 'free', 사용중: 'taken', 불량: 'broken' }[facts.status] ?? 'broken');
  const battery = facts.batterylevel === null || facts.batterylevel === undefined ? null : t('battery', facts.batterylevel);
  const of = facts.rentid ? t('ride', facts.rentid) : null;
  return { id: `v${eventid}`, kind: 'events', icon: 'bolt', at, rank: 0, text: type, code: true, more: [of, state, where, battery].filter(Boolean).join(' · ') };
}

export function StoryPage({ bikeid }) {
  const { rides } = useStore();
  const { query } = useRoute();
  const [[story, failed], know] = useState([null, null]);
  const [most, more] = useState(SHOWN);
  const rent = rides?.get(Number(bikeid));
  const look = () => read(bikeid).then((found) => know([found, null]), (why) => know([story, why]));
  useEffect(follow, []);
  useEffect(() => {
    look();
  }, [bikeid, rent?.rentid]);
  const show = KINDS.includes(query.show) ? query.show : 'all';
  const lines = story?.lines.filter((line) => show === 'all' || line.kind === show);
  return html`<section class="page">
    <${Top} title=${t('number', bikeid)} back="#/" />
    ${!story && !failed && html`<${Loading} rows=${5} />`}
    ${!story && failed && (failed.status === 404 ? html`<${Notice} tone="bad" text=${t('unknownBike', bikeid)} way=${{ text: t('fleet'), href: '#/' }} />` : html`<${Failed} again=${look} />`)}
    ${story && html`<${Now} bike=${story.bike} rent=${rent} />`}
    ${story && html`<${Chips} label=${t('story')} options=${KINDS.map((kind) => [kind, t(kind)])} chosen=${show} onChoose=${(kind) => narrow({ show: kind === 'all' ? '' : kind })} />`}
    ${lines && !lines.length && html`<${Empty} icon="list" title=${t('noStory')} hint=${t('noStoryHint')} />`}
    ${lines && lines.length > 0 && html`<ol class="card story">${lines.slice(0, most).map((line) => html`<${Line} key=${line.id} ...${line} />`)}</ol>`}
    ${lines && lines.length > most && html`<${Big} kind="quiet" label=${t('more')} onClick=${() => more(most + SHOWN)} />`}
    ${story?.cut && html`<p class="soft">${t('storyCut', MOST)}</p>`}
  </section>`;
}

const Line = ({ icon, kind, at, text, more, by, code }) =>
  html`<li class=${kind}>
    <span class="sign small"><${Icon} name=${icon} /></span>
    <div class="grow"><p class=${code ? 'code' : 'main'}>${text}</p>${more && html`<p class="soft">${more}</p>`}${by && html`<a class="link soft" href=${by.href}>${by.text}</a>`}</div>
    <time class="soft" datetime=${at}>${at ? stamp(at) : t('timeUnknown')}</time>
  </li>`;

const Now = ({ bike, rent }) =>
  html`<div class="card">
    <p class="line"><${Status} is=${statusOf(bike)} /><${Battery} percent=${bike.batterylevel} /></p>
    <${Facts}
      rows=${[
        [t('where'), place(bike.location)],
        [t('currentRide'), rent ? html`<a class="link" href="#/money?rider=${rent.userid}">${t('riderNo', rent.userid)}</a> · ${since(rent.starttime)}` : '–'],
        [t('lastSeen'), bike.lastseen ? ago(bike.lastseen) : '–'],
        bike.lat !== null && [t('coordinates'), `${bike.lat.toFixed(5)}, ${bike.lon.toFixed(5)}`],
      ]}
    />
  </div>`;
