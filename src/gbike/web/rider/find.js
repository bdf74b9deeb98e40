// Finding a bike: the free ones by place, nearest first when the rider lets us know where they are; or on a map.
import { html, useEffect, useKept, useMemo, useRef, useState } from '../shared/lib.js';
import { Battery, Big, Empty, Icon, Loaded, More, Top, useMap } from '../shared/parts.js';
import { byPlace, isNamed } from '../shared/places.js';
import { isPlaced } from '../shared/rental.js';
import { set, useStore } from '../shared/state.js';
import { far, language, numbered, place, t } from '../shared/text.js';
import { readBikes } from './actions.js';
import { isOld, look, minutesOld, renew } from './position.js';

const FRESH_MS = 15_000;
const SHOWN = 30; // places at first; the rest on asking

export function Find() {
  const { bikes, free, here } = useStore();
  const [view, setView] = useKept('view', 'list');
  const [failed, setFailed] = useState(false);
  const again = async () => {
    await renew();
    setFailed(Boolean(await readBikes()));
  };
  const old = isOld(here);
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
      ${(!here || old) && html`<${Nearest} onFound=${() => readBikes()} />`}
    </div>
    ${old && html`<p class="soft" role="status">${t('hereOld', minutesOld(here))}</p>`}
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
    ${view === 'list' ? html`<${Places} places=${places} />` : html`<${OnMap} bikes=${bikes} here=${here} />`}`;
}

export function Nearest({ onFound }) {
  const ask = async () => {
    const here = await look();
    if (here) onFound(here);
    else set({ notice: { tone: 'warn', text: t('denied') } });
  };
  return html`<button class="chip" type="button" onClick=${ask}><${Icon} name="pin" />${t('allow')}</button>`;
}

function Places({ places }) {
  const [most, setMost] = useKept('places', SHOWN);
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
            <${Icon} name="bike" /><span class="grow">${numbered(bike)}</span>
            <${Battery} percent=${bike.batterylevel} /><${Icon} name="next" />
          </a>
        </li>`,
      )}
    </ul>
  </section>`;

function OnMap({ bikes, here }) {
  const [placed, others] = useMemo(() => {
    const of = (some) => byPlace(some, here, language());
    return [of(bikes.filter(isPlaced)), of(bikes.filter((bike) => !isPlaced(bike)))];
  }, [bikes, here, language()]);
  const card = useRef(null);
  const [chosen, setChosen] = useState([]);
  const box = useMap(() => import('./map.js'), setChosen, placed, isOld(here) ? null : here);
  const some = placed.filter(isNamed(chosen));
  useEffect(() => card.current?.scrollIntoView({ block: 'nearest' }), [chosen]);
  return html`<div>
    <div class="map" ref=${box} role="region" aria-label=${t('mapName')} />
    <ul class="legend" aria-label=${t('legend')}>
      <li><span class="key" aria-hidden="true">3</span>${t('legendPlace')}</li>
      <li><span class="key cluster" aria-hidden="true">9</span>${t('legendCluster')}</li>
      ${here && html`<li><span class="key dot" aria-hidden="true" />${t('legendHere')}</li>`}
    </ul>
    <div class="chosen" ref=${card}>${some.map((one) => html`<${Bikes} key=${one.name} one=${one} />`)}</div>
    ${others.length > 0 && html`<h2 class="apart">${t('notOnMap')}</h2><${Places} places=${others} />`}
  </div>`;
}
