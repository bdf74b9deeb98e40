// The places to give a bike back at, loaded with the return's page: the nearest, the last ones and a search over all.
import { html, useEffect, useKept, useMemo, useRef, useState } from '../shared/lib.js';
import { Amounts, Field, Icon, Loading } from '../shared/parts.js';
import { byPlace, isNamed } from '../shared/places.js';
import { useStore } from '../shared/state.js';
import { far, language, place, t } from '../shared/text.js';
import { lastPlaces, readBikes, readLastPlaces, readPlaces } from './actions.js';
import { Nearest } from './find.js';
import { allPlaces, lookedFor, meant } from './offered.js';
import { freshly, isFresh } from './position.js';

const NEAREST = 5;
const FOUND = 6;
const FEW = 8; // so many places are shown before one is looked for
const PAUSE_MS = 250; // after the last letter
const BACK_MS = 1000;

// Where the rider is while they choose: what is measured later moves no place away under their finger.
function useHere() {
  const [here, setHere] = useState(null);
  const [looking, setLooking] = useState(true);
  useEffect(() => {
    freshly().then((found) => {
      setHere(found);
      setLooking(false);
    });
  }, []);
  return { here, setHere, looking };
}

// How often the line came back. Of two requests one may be answered and one never: they don't ask each other on at
// once.
function useBacks() {
  const { online } = useStore();
  const [backs, setBacks] = useState(0);
  const wasLost = useRef(false);
  useEffect(() => {
    if (!online) wasLost.current = true;
    const timer = online && wasLost.current ? setTimeout(() => setBacks((count) => count + 1), BACK_MS) : 0;
    return () => clearTimeout(timer);
  }, [online]);
  return backs;
}

function usePlaces({ here, looking }, text) {
  const { bikes, places } = useStore();
  const backs = useBacks();
  useEffect(() => {
    readBikes(); // what was not answered is asked again once the line is back
    readLastPlaces();
  }, [backs]);
  useEffect(() => void (looking || readPlaces(here)), [here, looking, backs]);
  useEffect(() => {
    const timer = text.trim() && places.areSome ? setTimeout(readPlaces, PAUSE_MS, here, text) : 0;
    return () => clearTimeout(timer);
  }, [text]);
  const of = () => allPlaces(places.known, byPlace(bikes ?? [], null, language()), here, language());
  return useMemo(of, [places, bikes, here, language()]);
}

export function Where({ chosen, onChoose }) {
  const [text, setText] = useKept('searched', '');
  const found = useHere();
  const { here, setHere, looking } = found;
  const all = usePlaces(found, text);
  const [isPicked, setIsPicked] = useKept('picked', false);
  const write = ({ target: { value } }) => {
    setText(value);
    setIsPicked(false);
    onChoose(meant(all, value));
  };
  const pick = (name) => {
    setIsPicked(true);
    onChoose(name);
  };
  useEffect(() => {
    if (text.trim() && !isPicked) onChoose(meant(all, text)); // places that came later may have this name
  }, [all]);
  const input = { type: 'search', maxlength: 200, autocomplete: 'off', enterkeyhint: 'search' };
  const choice = { chosen, onChoose: pick };
  return html`${!here && !looking && html`<div><${Nearest} onFound=${(at) => isFresh(at) && setHere(at)} /></div>`}
    <${Field} id="other" label=${t('searchPlace')} hint=${t('searchHint')} value=${text} onInput=${write} ...${input} />
    ${
      text.trim()
        ? html`<${Found} all=${all} text=${text} ...${choice} />`
        : html`<${Offered} all=${all} looking=${looking} ...${choice} />`
    }
    <${Places} legend=${t('noPlace')} places=${[{ name: '' }]} ...${choice} />`;
}

function Found({ all, text, ...choice }) {
  const found = lookedFor(all, text);
  const isKnown = found.slice(0, 1).some(isNamed([text]));
  const places = [...found.slice(0, FOUND), ...(isKnown ? [] : [{ name: text.trim(), written: true }])];
  return html`<${Places} legend=${t(found.length ? 'foundPlaces' : 'newPlace')} places=${places} ...${choice} />
    ${found.length > FOUND && html`<p class="soft">${t('morePlaces', found.length - FOUND)}</p>`}`;
}

function Offered({ all, looking, ...choice }) {
  const near = all.filter(({ away }) => away < Infinity).slice(0, NEAREST);
  const without = (some, others) => some.filter((one) => !isNamed(others.map(({ name }) => name))(one));
  const last = lastPlaces().map((name) => all.find(isNamed([name])) ?? { name });
  const others = without(last, near);
  const rest = all.length > FEW ? [] : without(all, [...near, ...others]);
  return html`${
    looking
      ? html`<${Loading} rows=${NEAREST} />`
      : html`<${Places} legend=${t('nearPlaces')} places=${near} ...${choice} />`
  }
    <${Places} legend=${t('lastPlaces')} places=${others} ...${choice} />
    <${Places} legend=${t('allPlaces')} places=${rest} ...${choice} />`;
}

function Places({ legend, places, chosen, onChoose }) {
  const isChosen = isNamed([chosen]);
  const label = ({ name, written, away }) => html`
    <span class="grow">${written ? t('asWritten', name) : name ? place(name) : t('asItIs')}</span>
    ${away < Infinity && html`<span class="soft">${far(away)}</span>`}
    <${Icon} name=${isChosen({ name }) ? 'check' : 'pin'} />`;
  const options = places.map((one) => [one.name, label(one)]);
  const own = places.find(isChosen)?.name; // what was read since may spell it in another way
  const choice = { name: 'place', legend, options, chosen: own, onChoose };
  return places.length > 0 && html`<${Amounts} kind="options" ...${choice} />`;
}
