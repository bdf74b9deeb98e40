// The fleet's map on its page: what its signs mean and which are looked at, what was tapped, and which bikes it can't
// show.
import { html, useKept, useMemo, useState } from '../shared/lib.js';
import { Battery, Icon, Status, useMap } from '../shared/parts.js';
import { byPlace, isNamed } from '../shared/places.js';
import { isPlaced, statusOf } from '../shared/rental.js';
import { language, place, t } from '../shared/text.js';
import { countedBy, STATUSES } from './bikes.js';
import { Rider } from './parts.js';
import { ago, since } from './words.js';

const LAYERS = [...STATUSES, 'place'];
const NOTHING = { bikeid: null, places: null };
const MOST = 50; // of a list below the map
const NAMES = 3; // of places that were tapped together

export function OnMap({ bikes, rides }) {
  const [chosen, setChosen] = useState(NOTHING);
  const [off, setOff] = useKept('layers', []);
  const layers = LAYERS.filter((layer) => !off.includes(layer)).join(' ');
  const box = useMap(() => import('./map.js'), setChosen, bikes, layers);
  const bike = bikes.find(({ bikeid }) => bikeid === chosen.bikeid);
  const turn = (layer) => setOff(off.includes(layer) ? off.filter((other) => other !== layer) : [...off, layer]);
  return html`<div class="map big-map" ref=${box} role="region" aria-label=${t('fleetMap')} />
    <${Legend} bikes=${bikes} rides=${rides} off=${off} turn=${turn} />
    ${bike && html`<${Picked} bike=${bike} rides=${rides} />`}
    ${chosen.places && html`<${AtPlaces} names=${chosen.places} bikes=${bikes} rides=${rides} />`}
    <${NotOnMap} bikes=${bikes} />`;
}

// What a sign means, and how many of them there are; to be looked at or not.
function Legend({ bikes, rides, off, turn }) {
  const counts = useMemo(() => countedBy(bikes.filter(isPlaced), rides), [bikes, rides]);
  const layer = (name) =>
    html`<button key=${name} type="button" aria-pressed=${!off.includes(name)} onClick=${() => turn(name)}>
      <span class="sign-of is-${name}" aria-hidden="true" />${t(name === 'place' ? 'layerPlace' : name)}
      ${name !== 'place' && html`<span class="soft">${counts[name]}</span>`}
    </button>`;
  return html`<div class="layers" role="group" aria-label=${t('legend')}>${LAYERS.map(layer)}</div>
    <p class="soft legend"><span class="key cluster" aria-hidden="true">9</span>${t('legendCluster')}</p>`;
}

const Picked = ({ bike, rides }) =>
  html`<div class="card picked">
    <p>
      <a class="link" href="#/bike/${bike.bikeid}">${t('number', bike.bikeid)}<${Icon} name="next" /></a>
      <${Status} is=${statusOf(bike, rides)} /><${Battery} percent=${bike.batterylevel} />
    </p>
    <p class="soft">${place(bike.location)}</p>
    ${rides.has(bike.bikeid) && html`<p><${Ride} rent=${rides.get(bike.bikeid)} /></p>`}
  </div>`;

function AtPlaces({ names, bikes, rides }) {
  const all = byPlace(bikes.filter(isPlaced), null, language());
  const some = all.filter(isNamed(names)).flatMap((one) => one.bikes);
  const said = names.slice(0, NAMES).map(place).join(', ');
  return html`<section class="card picked">
    <h2>${t('atPlaces', said, Math.max(0, names.length - NAMES))}</h2>
    <ul class="listed">
      ${some.slice(0, MOST).map(
        (bike) => html`<li key=${bike.bikeid}>
          <a class="link" href="#/bike/${bike.bikeid}">${t('number', bike.bikeid)}</a>
          <${Status} is=${statusOf(bike, rides)} /><${Battery} percent=${bike.batterylevel} />
        </li>`,
      )}
    </ul>
    <${Rest} of=${some} />
  </section>`;
}

// Where nobody knows where a bike is, the map can't show it: the place that was told, and the point before that.
function NotOnMap({ bikes }) {
  const some = bikes.filter((bike) => !isPlaced(bike));
  if (!some.length) return null;
  return html`<details class="card picked not-on-map">
    <summary>${t('offMap', some.length)}</summary>
    <p class="soft">${t('offMapSay')}</p>
    <ul class="listed">
      ${some.slice(0, MOST).map(
        (bike) => html`<li key=${bike.bikeid}>
          <a class="link" href="#/bike/${bike.bikeid}">${t('number', bike.bikeid)}</a>
          <span class="grow">${place(bike.location)}</span><${OldPoint} of=${bike.point} />
        </li>`,
      )}
    </ul>
    <${Rest} of=${some} />
  </details>`;
}

function OldPoint({ of: point }) {
  if (!point || !isPlaced(point)) return html`<span class="soft">${t('noPoint')}</span>`;
  const at = `${point.lat.toFixed(4)}, ${point.lon.toFixed(4)}`;
  return html`<span class="soft">${point.at ? `${at} · ${ago(point.at)}` : at}</span>`;
}

const Rest = ({ of: some }) => some.length > MOST && html`<p class="soft">${t('restOf', some.length - MOST)}</p>`;

export const Ride = ({ rent }) =>
  rent
    ? html`<${Rider} userid=${rent.userid} /><span class="soft"> ${since(rent.starttime)}</span>`
    : html`<span class="soft">–</span>`;
