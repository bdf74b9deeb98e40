// Finding a bike: the free ones by place, nearest first when the rider lets us know where they are; or on a map.
import { html, useEffect, useMemo, useRef, useState } from '../shared/lib.js';
import { Battery, Big, Empty, Icon, Loaded, More, Top, useMap } from '../shared/parts.js';
import { byPlace } from '../shared/rental.js';
import { set, useStore } from '../shared/state.js';
import { far, language, place, t } from '../shared/text.js';
import { readBikes } from './actions.js';

const FRESH_MS = 15_000;
const SHOWN = 30; // places at first; the rest on asking

export function Find() {
  const { bikes, free, here } = useStore();
  const [view, setView] = useState('list');
  const [failed, setFailed] = useState(false);
  const again = async () => setFailed(Boolean(await readBikes()));
  useEffect(() => {
    again();
    const timer = setInterval(() => document.hidden || again(), FRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const tab = (name) =>
    html`<button key=${name} type="button" aria-pressed=${view === name} onClick=${() => setView(name)}>
      <${Icon} name=${name} />${t(name)}
    </button>`;
  return html`<section class="find">
    <${Top} title=${bikes ? t('found', free) : t('bikes')} />
    <div class="tools">
      <div class="tabs" role="group" aria-label=${t('near')}>${['list', 'map'].map(tab)}</div>
      ${!here && html`<${Nearest} />`}
    </div>
    <${Loaded} of=${{ found: bikes, failed, again }} rows=${5}>
      ${() => html`<${Found} view=${view} bikes=${bikes} free=${free} here=${here} />`}
    <//>
    <div class="dock"><${Big} icon="scan" label=${t('start')} href="#/number" /></div>
  </section>`;
}

function Found({ view, bikes, free, here }) {
  const places = useMemo(() => byPlace(bikes, here, language()), [bikes, here, language()]);
  if (!bikes.length) return html`<${Empty} icon="bike" title=${t('none')} hint=${t('noneHint')} />`;
  return html`${bikes.length < free && html`<p class="soft">${t(here ? 'nearestOf' : 'someOf', bikes.length)}</p>`}
    ${view === 'list' ? html`<${Places} places=${places} />` : html`<${OnMap} places=${places} here=${here} />`}`;
}

const whereAmI = () =>
  new Promise((resolve) => {
    const found = ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude, accuracy: coords.accuracy });
    const how = { timeout: 8000, maximumAge: 30_000 };
    if (!navigator.geolocation) resolve(null);
    else navigator.geolocation.getCurrentPosition(found, () => resolve(null), how);
  });

function Nearest() {
  const look = async () => {
    const here = await whereAmI();
    set(here ? { here } : { notice: { tone: 'warn', text: t('denied') } });
    readBikes();
  };
  return html`<button class="chip" type="button" onClick=${look}><${Icon} name="pin" />${t('allow')}</button>`;
}

function Places({ places }) {
  const [most, setMost] = useState(SHOWN);
  return html`<div class="places">
    ${places.slice(0, most).map((one) => html`<${Bikes} key=${one.name} one=${one} />`)}
    ${places.length > most && html`<${More} onClick=${() => setMost(most + SHOWN)} />`}
  </div>`;
}

const Bikes = ({ one }) =>
  html`<section class="card place">
    <h2>
      <span>${place(one.name)}</span>
      <span class="soft">${one.away < Infinity ? far(one.away) : t('count', one.bikes.length)}</span>
    </h2>
    <ul>
      ${one.bikes.map(
        (bike) => html`<li key=${bike.bikeid}>
          <a href="#/bike/${bike.bikeid}">
            <${Icon} name="bike" /><span class="grow">${t('number', bike.bikeid)}</span>
            <${Battery} percent=${bike.batterylevel} /><${Icon} name="next" />
          </a>
        </li>`,
      )}
    </ul>
  </section>`;

function OnMap({ places, here }) {
  const card = useRef(null);
  const [chosen, setChosen] = useState([]);
  const box = useMap(() => import('./map.js'), setChosen, places, here);
  const some = places.filter(({ name }) => chosen.includes(name));
  useEffect(() => card.current?.scrollIntoView({ block: 'nearest' }), [chosen]);
  return html`<div>
    <div class="map" ref=${box} role="region" aria-label=${t('mapName')} />
    <ul class="legend" aria-label=${t('legend')}>
      <li><span class="key" aria-hidden="true">3</span>${t('legendPlace')}</li>
      <li><span class="key cluster" aria-hidden="true">9</span>${t('legendCluster')}</li>
      ${here && html`<li><span class="key dot" aria-hidden="true" />${t('legendHere')}</li>`}
    </ul>
    <div class="chosen" ref=${card}>${some.map((one) => html`<${Bikes} key=${one.name} one=${one} />`)}</div>
  </div>`;
}
