// The fleet: on a map and in a table, both of the same bikes, narrowed by what stands in the address.
import { html, useEffect, useMemo, useState } from '../lib.js';
import { Battery, Big, Empty, Failed, Icon, Loading, Notice, Status, Top, useMap } from '../parts.js';
import { useStore } from '../store.js';
import { place, t } from '../text.js';
import { follow, found, refresh, statusOf } from './fleet.js';
import { Figure, Search, Select, Table } from './parts.js';
import { narrow, useRoute } from './route.js';
import { ago, many, since } from './words.js';

const LOW = 20;
const NO_RIDES = new Map();
const MOST_PLACES = 500;

export function useFleet() {
  const { fleet, rides, fleetFailed } = useStore();
  useEffect(follow, []);
  return { fleet, rides: rides ?? NO_RIDES, failed: fleetFailed };
}

// What was known stays on the screen, and says that it is old.
export const Stale = ({ failed }) => (failed.status ? html`<${Notice} tone="warn" text=${t('stale')} />` : null);

export function FleetPage() {
  const { fleet, rides, failed } = useFleet();
  const { query } = useRoute();
  const map = query.view ? query.view === 'map' : matchMedia('(min-width: 60rem)').matches;
  const bikes = useMemo(() => (fleet ? found(fleet, rides, query) : []), [fleet, rides, JSON.stringify(query)]);
  return html`<section class="page fleet">
    <${Top} title=${t('fleet')}><a class="small-button" href="#/add"><${Icon} name="plus" />${t('add')}</a><//>
    ${!fleet && !failed && html`<${Loading} rows=${6} />`}
    ${!fleet && failed && html`<${Failed} again=${refresh} />`}
    ${fleet && failed && html`<${Stale} failed=${failed} />`}
    ${fleet && html`<${Figures} fleet=${fleet} rides=${rides} />`}
    ${fleet && fleet.size > 0 && html`<${Filters} fleet=${fleet} query=${query} />`}
    ${fleet && fleet.size === 0 && html`<${Empty} icon="bike" title=${t('noBikes')} hint=${t('noBikesHint')}><${Big} href="#/add" label=${t('add')} /><//>`}
    ${fleet &&
    fleet.size > 0 &&
    html`<div class="both ${map ? '' : 'alone'}">
      <div class="beside">
        <button class="chip map-switch" type="button" aria-expanded=${map ? 'true' : 'false'} onClick=${() => narrow({ view: map ? 'list' : 'map' })}><${Icon} name="map" />${t(map ? 'hideMap' : 'showMap')}</button>
        ${map && html`<${OnMap} bikes=${bikes} rides=${rides} />`}
      </div>
      <div>
        <p class="soft" role="status">${t('shown', bikes.length, fleet.size)}</p>
        ${bikes.length ? html`<${Bikes} bikes=${bikes} rides=${rides} query=${query} />` : html`<${Empty} icon="list" title=${t('noneFound')} hint=${t('noneFoundHint')} />`}
      </div>
    </div>`}
  </section>`;
}

function Figures({ fleet, rides }) {
  const count = { free: 0, taken: 0, broken: 0, low: 0 };
  for (const bike of fleet.values()) {
    count[statusOf(bike)] += 1;
    if (bike.batterylevel !== null && bike.batterylevel < LOW) count.low += 1;
  }
  return html`<dl class="figures">
    <${Figure} name=${t('free')} value=${many(count.free)} tone="free" icon="check" />
    <${Figure} name=${t('taken')} value=${many(count.taken)} tone="taken" icon="person" />
    <${Figure} name=${t('broken')} value=${many(count.broken)} tone="broken" icon="wrench" />
    <${Figure} name=${t('lowBattery')} value=${many(count.low)} icon="bolt" />
    <${Figure} name=${t('underWay')} value=${many(rides.size)} icon="clock" />
  </dl>`;
}

function Filters({ fleet, query }) {
  const places = [...new Set([...fleet.values()].map((bike) => bike.location).filter(Boolean))].sort().slice(0, MOST_PLACES);
  const all = ['', t('all')];
  const any = Object.values({ ...query, view: '', sort: '', down: '' }).some(Boolean);
  return html`<form class="filters" onSubmit=${(event) => event.preventDefault()} aria-label=${t('filters')}>
    <${Search} id="q" name="q" label=${t('search')} hint=${t('searchHint')} value=${query.q ?? ''} />
    <${Select} id="status" label=${t('status')} value=${query.status ?? ''} options=${[all, ['free', t('free')], ['taken', t('taken')], ['broken', t('broken')]]} onChange=${(status) => narrow({ status })} />
    <${Select} id="place" label=${t('where')} value=${query.place ?? ''} options=${[all, ...places.map((name) => [name, place(name)])]} onChange=${(to) => narrow({ place: to })} />
    <${Select} id="battery" label=${t('batteryName')} value=${query.battery ?? ''} options=${[all, ['20', t('below', 20)], ['50', t('below', 50)]]} onChange=${(battery) => narrow({ battery })} />
    ${any && html`<button class="link" type="button" onClick=${() => narrow({ q: '', status: '', place: '', battery: '' })}>${t('clear')}</button>`}
  </form>`;
}

function Bikes({ bikes, rides, query }) {
  const sort = query.sort ?? 'number';
  const columns = [
    ['number', t('bikeName'), (bike) => html`<a class="link" href="#/bike/${bike.bikeid}">${bike.bikeid}</a>`, true],
    ['status', t('status'), (bike) => html`<${Status} is=${statusOf(bike)} />`, true],
    ['battery', t('batteryName'), (bike) => html`<${Battery} percent=${bike.batterylevel} />`, true],
    ['place', t('where'), (bike) => html`<span class="cut" title=${bike.location ?? ''}>${place(bike.location)}</span>`, true],
    ['ride', t('currentRide'), (bike) => html`<span class="named" data-name=${t('currentRide')}><${Ride} rent=${rides.get(bike.bikeid)} /></span>`, true],
    ['seen', t('lastSeen'), (bike) => html`<span class="soft">${bike.lastseen ? ago(bike.lastseen) : '–'}</span>`, true],
  ];
  const order = (name) => narrow(name === sort ? { down: query.down ? '' : 1 } : { sort: name, down: '' });
  return html`<${Table} label=${t('fleet')} columns=${columns} rows=${bikes} rowKey=${(bike) => bike.bikeid} sort=${sort} down=${query.down} onSort=${order} tall />`;
}

const Ride = ({ rent }) =>
  rent ? html`<a class="link" href="#/money?rider=${rent.userid}">${t('riderNo', rent.userid)}</a><span class="soft"> ${since(rent.starttime)}</span>` : html`<span class="soft">–</span>`;

function OnMap({ bikes, rides }) {
  const [chosen, choose] = useState(null);
  const box = useMap(() => import('./map.js'), choose, bikes);
  const bike = bikes.find(({ bikeid }) => bikeid === chosen);
  return html`<div class="map big-map" ref=${box} role="region" aria-label=${t('fleetMap')} />
    ${bike &&
    html`<div class="card picked">
      <p><a class="link" href="#/bike/${bike.bikeid}">${t('number', bike.bikeid)}<${Icon} name="next" /></a><${Status} is=${statusOf(bike)} /><${Battery} percent=${bike.batterylevel} /></p>
      <p class="soft">${place(bike.location)}</p>
      ${rides.has(bike.bikeid) && html`<p><${Ride} rent=${rides.get(bike.bikeid)} /></p>`}
    </div>`}`;
}

