// Finding a bike: the free ones by place, nearest first when the rider lets us know where they are; or on a map.
import { readBikes } from './actions.js';
import { html, useEffect, useMemo, useRef, useState } from './lib.js';
import { Battery, Big, Empty, Failed, Icon, Loading, Top, useMap } from './parts.js';
import { set, useStore } from './store.js';
import { far, language, place, t } from './text.js';

const FRESH_MS = 15_000;
const SHOWN = 30; // places at first; the rest on asking

export function Find() {
  const { bikes, free, here } = useStore();
  const [view, show] = useState('list');
  const [failed, fail] = useState(false);
  const read = async () => fail(Boolean(await readBikes()));
  useEffect(() => {
    read();
    const timer = setInterval(() => document.hidden || read(), FRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const places = useMemo(() => bikes && byPlace(bikes, here), [bikes, here, language()]);
  return html`<section class="find">
    <${Top} title=${bikes ? t('found', free) : t('bikes')} />
    <div class="tools">
      <div class="tabs" role="group" aria-label=${t('near')}>
        ${['list', 'map'].map(
          (name) => html`<button key=${name} type="button" aria-pressed=${view === name ? 'true' : 'false'} onClick=${() => show(name)}>
            <${Icon} name=${name} />${t(name)}
          </button>`,
        )}
      </div>
      ${!here && html`<${Nearest} />`}
    </div>
    ${!bikes && !failed && html`<${Loading} rows=${5} />`}
    ${!bikes && failed && html`<${Failed} again=${read} />`}
    ${bikes && !bikes.length && html`<${Empty} icon="bike" title=${t('none')} hint=${t('noneHint')} />`}
    ${bikes && bikes.length < free && html`<p class="soft">${t(here ? 'nearestOf' : 'someOf', bikes.length)}</p>`}
    ${places && places.length > 0 && view === 'list' && html`<${Places} places=${places} />`}
    ${places && places.length > 0 && view === 'map' && html`<${OnMap} places=${places} here=${here} />`}
    <div class="dock"><${Big} icon="scan" label=${t('start')} href="#/number" /></div>
  </section>`;
}

export function byPlace(bikes, here) {
  const places = new Map();
  for (const bike of bikes) {
    const name = bike.location ?? '';
    if (!places.has(name)) places.set(name, { name, bikes: [], lat: null, lon: null, away: Infinity });
    places.get(name).bikes.push(bike);
  }
  for (const one of places.values()) {
    const known = one.bikes.filter((bike) => bike.lat !== null && bike.lon !== null);
    const mean = (what) => known.reduce((sum, bike) => sum + bike[what], 0) / known.length;
    if (known.length) Object.assign(one, { lat: mean('lat'), lon: mean('lon') });
    if (here && known.length) one.away = metres(here, one);
    one.bikes.sort((a, b) => (b.batterylevel ?? 0) - (a.batterylevel ?? 0) || a.bikeid - b.bikeid);
  }
  const names = new Intl.Collator(language(), { numeric: true });
  const order = (a, b) => (a.away === b.away ? names.compare(a.name, b.name) : a.away - b.away);
  return [...places.values()].sort(order);
}

function metres(a, b) {
  const rad = Math.PI / 180;
  const x = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
  return Math.hypot(x, (b.lat - a.lat) * rad) * 6_371_000;
}

export function whereAmI() {
  return new Promise((resolve) => {
    if (!navigator.geolocation) resolve(null);
    else
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude }),
        () => resolve(null),
        { timeout: 8000, maximumAge: 30_000 },
      );
  });
}

function Nearest() {
  const look = async () => {
    const here = await whereAmI();
    set(here ? { here } : { notice: { tone: 'warn', text: t('denied') } });
    readBikes();
  };
  return html`<button class="chip" type="button" onClick=${look}><${Icon} name="pin" />${t('allow')}</button>`;
}

function Places({ places }) {
  const [most, more] = useState(SHOWN);
  return html`<div class="places">
    ${places.slice(0, most).map((one) => html`<${Bikes} key=${one.name} one=${one} />`)}
    ${places.length > most && html`<${Big} kind="quiet" label=${t('more')} onClick=${() => more(most + SHOWN)} />`}
  </div>`;
}

const Bikes = ({ one }) =>
  html`<section class="card place">
    <h2><span>${place(one.name)}</span><span class="soft">${one.away < Infinity ? far(one.away) : t('count', one.bikes.length)}</span></h2>
    <ul>
      ${one.bikes.map(
        (bike) => html`<li key=${bike.bikeid}>
          <a href="#/bike/${bike.bikeid}"><${Icon} name="bike" /><span class="grow">${t('number', bike.bikeid)}</span><${Battery} percent=${bike.batterylevel} /><${Icon} name="next" /></a>
        </li>`,
      )}
    </ul>
  </section>`;

function OnMap({ places, here }) {
  const card = useRef(null);
  const [chosen, choose] = useState([]);
  const box = useMap(() => import('./map.js'), choose, places, here);
  const some = places.filter(({ name }) => chosen.includes(name));
  useEffect(() => card.current?.scrollIntoView({ block: 'nearest' }), [chosen]);
  return html`<div>
    <div class="map" ref=${box} role="region" aria-label=${t('mapName')} />
    <div class="chosen" ref=${card}>${some.map((one) => html`<${Bikes} key=${one.name} one=${one} />`)}</div>
  </div>`;
}
