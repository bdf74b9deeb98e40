// What a report may tell beside battery and fault: words, and where the bike stands now.

import { readPlaces } from '../rider/actions.js';
import { lookedFor } from '../rider/offered.js';
import { look } from '../rider/position.js';
import { now } from '../shared/clock.js';
import { html, useEffect, useState } from '../shared/lib.js';
import { Amounts, Field, Icon, Wrong } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { place, t } from '../shared/text.js';

const FOUND = 4;
const PAUSE_MS = 250; // after the last letter
const MOST_WORDS = 500;

// `stands`: as the report says it, with the moment, which a report that waits is sent with.
export const nothingMore = { words: '', stands: {} };

const seen = (ms = now()) => ({ seenat: new Date(ms).toISOString() });

export function More({ more, onChange }) {
  const { words, stands } = more;
  const [open, setOpen] = useState(false); // what there is to choose from is asked for then
  const change = (some) => onChange({ ...more, ...some });
  const has = [words.trim() && t('withWords'), stands.seenat && t('withPlace')].filter(Boolean);
  return html`<details class="card beside" onToggle=${({ target }) => target.open && setOpen(true)}>
    <summary>
      <${Icon} name="plus" />
      <span class="grow">${has.join(' · ') || t('beside')}</span>
    </summary>
    <div class="field">
      <label for="words">${t('inWords')}</label>
      <textarea id="words" rows="2" maxlength=${MOST_WORDS} value=${words}
        onInput=${({ target }) => change({ words: target.value })} />
    </div>
    ${open && html`<${Stands} stands=${stands} onChange=${(where) => change({ stands: where })} />`}
  </details>`;
}

function Stands({ stands, onChange }) {
  const { places } = useStore();
  const [text, setText] = useState('');
  const [failed, setFailed] = useState(false);
  useEffect(() => void readPlaces(null), []);
  useEffect(() => {
    const timer = text.trim() && places.areSome ? setTimeout(readPlaces, PAUSE_MS, null, text) : 0;
    return () => clearTimeout(timer);
  }, [text]);
  const measure = async () => {
    const here = await look();
    setFailed(!here);
    if (!here) return;
    setText('');
    onChange({ lat: here.lat, lon: here.lon, ...seen(here.at) });
  };
  const write = ({ target: { value } }) => {
    setText(value);
    onChange(value.trim() ? { location: value.trim(), ...seen() } : {});
  };
  const found = text.trim() ? lookedFor(places.known, text).slice(0, FOUND) : [];
  const options = found.map(({ name }) => [name, html`<span class="grow">${place(name)}</span>`]);
  const choice = { name: 'stands', options, chosen: stands.location };
  const pick = (name) => onChange({ location: name, ...seen() });
  const input = { type: 'search', maxlength: 200, autocomplete: 'off', enterkeyhint: 'search' };
  const isHere = typeof stands.lat === 'number';
  const named = stands.location ? t('atPlace', place(stands.location)) : t('asBefore');
  const says = isHere ? t('atMyPosition') : named;
  return html`<div class="stands">
    <h2>${t('standsHere')}</h2>
    <p class="soft" role="status">${says}</p>
    <div class="deeds">
      <button class="small-button" type="button" onClick=${measure}><${Icon} name="pin" />${t('myPosition')}</button>
      ${isHere && html`<button class="link" type="button" onClick=${() => onChange({})}>${t('notThis')}</button>`}
    </div>
    ${failed && html`<${Wrong} text=${t('noPosition')} />`}
    <${Field} id="stands" label=${t('placeName')} value=${text} onInput=${write} ...${input} />
    ${found.length > 0 && html`<${Amounts} kind="options" legend=${t('knownPlaces')} ...${choice} onChoose=${pick} />`}
  </div>`;
}
