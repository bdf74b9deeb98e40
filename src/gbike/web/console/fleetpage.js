// The fleet: on a map and in a table, both of the same bikes, narrowed by what stands in the address.

import { html, useEffect, useMemo, useState } from '../shared/lib.js';
import { Battery, Big, Empty, Icon, Loaded, Notice, Page, Status } from '../shared/parts.js';
import { byPlace, nameOf } from '../shared/places.js';
import { BROKEN, FREE, statusOf } from '../shared/rental.js';
import { address, narrow, useRoute } from '../shared/shell.js';
import { useStore } from '../shared/state.js';
import { language, many, place, t } from '../shared/text.js';
import { countedBy, found } from './bikes.js';
import { follow, refresh } from './fleet.js';
import { OnMap, Ride } from './mapview.js';
import { Needs } from './needs.js';
import { Figure, Named, Search, Select, Table } from './parts.js';
import { ago } from './words.js';

const LOW = 20;
const NO_RIDES = new Map();
const MOST_PLACES = 500;
const UNFILTERED = { q: '', status: '', place: '', battery: '' };

// As of something that is read; `rides` are those under way.
export function useFleet() {
  const { fleet, rides, fleetFailed } = useStore();
  useEffect(follow, []);
  return { found: fleet, rides: rides ?? NO_RIDES, failed: fleetFailed, again: refresh };
}

// What was known stays on the screen, and says that it is old.
export const Stale = ({ of: { found: fleet, failed } }) =>
  fleet && failed?.status ? html`<${Notice} tone="warn" text=${t('stale')} />` : null;

export function FleetPage() {
  const fleet = useFleet();
  const { rides } = fleet;
  const add = html`<a class="small-button" href="#/add"><${Icon} name="plus" />${t('add')}</a>`;
  return html`<${Page} title=${t('fleet')} beside=${add} more="fleet">
    <${Stale} of=${fleet} />
    <${Loaded} of=${fleet} rows=${6}>
      ${(bikes) => html`<${Figures} fleet=${bikes} rides=${rides} />
        ${bikes.size ? html`<${Fleet} fleet=${bikes} rides=${rides} />` : html`<${NoBikes} />`}`}
    <//>
  <//>`;
}

const NoBikes = () =>
  html`<${Empty} icon="bike" title=${t('noBikes')} hint=${t('noBikesHint')}>
    <${Big} href="#/add" label=${t('add')} />
  <//>`;

function Fleet({ fleet, rides }) {
  const { query } = useRoute();
  const map = query.view ? query.view === 'map' : matchMedia('(min-width: 60rem)').matches;
  const bikes = useMemo(() => found(fleet, rides, query), [fleet, rides, JSON.stringify(query)]);
  const turn = () => narrow({ view: map ? 'list' : 'map' });
  const [drawn, setDrawn] = useState(false); // the map of many bikes is drawn after their table, in a task of its own
  useEffect(() => {
    const timer = setTimeout(() => setDrawn(true));
    return () => clearTimeout(timer);
  }, []);
  return html`<${Filters} fleet=${fleet} query=${query} />
    <div class="both ${map ? '' : 'alone'}">
      <div class="beside">
        <button class="chip map-switch" type="button" aria-expanded=${map} onClick=${turn}>
          <${Icon} name="map" />${t(map ? 'hideMap' : 'showMap')}
        </button>
        ${map && (drawn ? html`<${OnMap} bikes=${bikes} rides=${rides} />` : html`<div class="map big-map" />`)}
      </div>
      <div>
        <p class="soft paging">
          <span role="status">${t('shown', bikes.length, fleet.size)}</span>
          ${
            bikes.length > 0 &&
            html`<a class="small-button" href=${address('/signs', { ...query, view: '' })}>
              <${Icon} name="scan" />${t('printSigns')}
            </a>`
          }
        </p>
        ${
          bikes.length
            ? html`<${Bikes} bikes=${bikes} rides=${rides} query=${query} />`
            : html`<${Empty} icon="list" title=${t('noneFound')} hint=${t('noneFoundHint')} />`
        }
      </div>
    </div>`;
}

function Figures({ fleet, rides }) {
  const count = countedBy(fleet.values(), rides);
  const bikes = [...fleet.values()];
  const low = bikes.filter(({ batterylevel }) => batterylevel !== null && batterylevel < LOW).length;
  const held = bikes.filter((bike) => bike.held).length;
  const of = (status) => address('/bikes', { status });
  const riding = address('/rides', { status: 'rented' });
  const lowest = address('/bikes', { batterybelow: LOW, sort: 'batterylevel' });
  return html`<dl class="figures">
    <${Figure} name=${t('free')} value=${many(count.free)} tone="free" icon="check" href=${of(FREE)} />
    <${Figure} name=${t('underWay')} value=${many(rides.size)} tone="taken" icon="clock" href=${riding} />
    <${Figure} name=${t('held')} value=${many(held)} icon="close" href=${address('/bikes', { held: 'true' })} />
    <${Figure} name=${t('broken')} value=${many(count.broken)} tone="broken" icon="wrench" href=${of(BROKEN)} />
    <${Figure} name=${t('lowBattery')} value=${many(low)} icon="bolt" href=${lowest} />
    <${Needs} />
  </dl>`;
}

function Filters({ fleet, query }) {
  const places = useMemo(
    () => byPlace(fleet.values(), null, language()).filter(({ name }) => name),
    [fleet, language()],
  );
  const all = ['', t('all')];
  const options = {
    status: [all, ...['free', 'taken', 'broken'].map((status) => [status, t(status)])],
    place: [all, ...places.slice(0, MOST_PLACES).map(({ name }) => [nameOf(name), place(name)])],
    battery: [all, ...['20', '50'].map((percent) => [percent, t('below', percent)])],
  };
  const labels = { status: t('status'), place: t('where'), battery: t('batteryName') };
  const chosen = { ...query, place: nameOf(query.place) };
  const any = Object.keys(UNFILTERED).some((name) => query[name]);
  return html`<form class="filters" onSubmit=${(event) => event.preventDefault()} aria-label=${t('filters')}>
    <${Search} id="q" label=${t('search')} hint=${t('searchHint')} value=${query.q ?? ''} />
    ${Object.entries(labels).map(
      ([id, label]) =>
        html`<${Select} key=${id} id=${id} label=${label} value=${chosen[id] ?? ''} options=${options[id]} />`,
    )}
    ${any && html`<button class="link" type="button" onClick=${() => narrow(UNFILTERED)}>${t('clear')}</button>`}
  </form>`;
}

function Bikes({ bikes, rides, query }) {
  const sort = query.sort ?? 'number';
  const name = ({ location }) => html`<span class="cut" title=${location ?? ''}>${place(location)}</span>`;
  const number = ({ bikeid, label }) =>
    html`<a class="link" href="#/bike/${bikeid}">${bikeid}</a>${label && html` <span class="soft">${label}</span>`}`;
  const stateOf = (bike) => (bike.held && !rides.has(bike.bikeid) ? 'held' : statusOf(bike, rides));
  const ride = ({ bikeid }) => html`<${Named} name=${t('currentRide')}><${Ride} rent=${rides.get(bikeid)} /><//>`;
  const columns = [
    ['number', t('bikeName'), number, true],
    ['status', t('status'), (bike) => html`<${Status} is=${stateOf(bike)} />`, true],
    ['battery', t('batteryName'), (bike) => html`<${Battery} percent=${bike.batterylevel} />`, true],
    ['place', t('where'), name, true],
    ['ride', t('currentRide'), ride, true],
    ['seen', t('lastSeen'), ({ lastseen }) => html`<span class="soft">${lastseen ? ago(lastseen) : '–'}</span>`, true],
  ];
  const order = (by) => narrow(by === sort ? { down: query.down ? '' : 1 } : { sort: by, down: '' });
  const table = { label: t('fleet'), columns, rows: bikes, sort, down: query.down, onSort: order };
  return html`<${Table} ...${table} rowKey=${({ bikeid }) => bikeid} tall />`;
}
