// A bike is described anew: its label, its place by name and by a point on the map, its charge.
import { html, useState } from '../shared/lib.js';
import { useMap } from '../shared/parts.js';
import { isPlaced } from '../shared/rental.js';
import { t } from '../shared/text.js';
import { change } from './bikeacts.js';
import { ReasonDialog } from './dialog.js';
import { done } from './undo.js';

const MOST_LABEL = 36;
const NAMES = ['label', 'location', 'batterylevel', 'lat', 'lon'];
const DIGITS = 6; // of degrees: a tenth of a metre

/** @returns {GivenField[]} */
export const fieldsOf = (bike) => [
  { name: 'label', kind: 'label', label: t('label'), hint: t('labelHint'), most: MOST_LABEL, value: bike.label ?? '' },
  { name: 'location', kind: 'text', label: t('where'), value: bike.location ?? '' },
  {
    name: 'batterylevel',
    kind: 'number',
    label: t('batteryPercent'),
    least: 0,
    most: 100,
    value: textOf(bike.batterylevel),
  },
  { name: 'lat', kind: 'degrees', label: t('lat'), most: 90, value: textOf(bike.lat) },
  { name: 'lon', kind: 'degrees', label: t('lon'), most: 180, value: textOf(bike.lon) },
];

const textOf = (number) => (number === null || number === undefined ? '' : String(number));

// Only what is otherwise than it was, so that nobody else's change is undone; a point is told as a whole.
/** @param {Record<string, any>} bike @param {Record<string, any>} given */
export function changesOf(bike, given) {
  const other = NAMES.filter((name) => (given[name] ?? null) !== (bike[name] ?? null));
  const some = other.some((name) => name === 'lat' || name === 'lon') ? [...new Set([...other, 'lat', 'lon'])] : other;
  return Object.fromEntries(some.map((name) => [name, given[name] ?? null]));
}

function write(name, degrees) {
  const field = document.getElementById(`given-${name}`);
  if (field instanceof HTMLInputElement) field.value = degrees.toFixed(DIGITS);
}

export function EditDialog({ bike, again: then, close }) {
  const [nothing, setNothing] = useState(false);
  const box = useMap(
    () => import('./pickmap.js'),
    ({ lat, lon }) => {
      write('lat', lat);
      write('lon', lon);
    },
    isPlaced(bike) ? bike : null,
    bike.point ?? null,
  );
  const work = async ({ reason, ...given }, key) => {
    const changes = changesOf(bike, given);
    setNothing(!Object.keys(changes).length);
    if (!Object.keys(changes).length) return false;
    const after = await change(bike.bikeid, { ...changes, reason }, key);
    await then();
    const before = Object.fromEntries(Object.keys(changes).map((name) => [name, bike[name] ?? null]));
    const back = (undone, anew) => change(bike.bikeid, { ...before, reason: undone }, anew);
    const text = after.noposition ? t('noPositionTaken') : t('didEdit', t('number', bike.bikeid));
    done(text, back, { why: reason, then });
    return true;
  };
  return html`<${ReasonDialog} title=${t('askEdit', t('number', bike.bikeid))} act=${t('save')} fields=${fieldsOf(bike)}
    work=${work} close=${close}>
    <p class="soft" id="pick-hint">${t('pickHint')}</p>
    <div class="map pick-map" ref=${box} role="region" aria-label=${t('pickMap')} aria-describedby="pick-hint" />
    ${nothing && html`<p class="soft" role="status">${t('nothingOther')}</p>`}
  <//>`;
}
