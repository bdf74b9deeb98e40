// Giving the bike back: at a place near by, one of the last, one that is looked for, or right here without naming any.
import { html, useEffect, useMemo, useState } from '../shared/lib.js';
import { Amounts, Big, Empty, Field, Icon, Loading, Page } from '../shared/parts.js';
import { allPlaces, byPlace, lookedFor, nameOf } from '../shared/rental.js';
import { useStore } from '../shared/state.js';
import { far, language, place, t } from '../shared/text.js';
import { giveBack, lastPlaces, readBikes, readLastPlaces, readPlaces } from './actions.js';
import { Nearest } from './find.js';
import { freshly, isFresh } from './position.js';

const NEAREST = 5;
const FOUND = 6;
const FEW = 8; // so many places are shown before one is looked for
const PAUSE_MS = 250; // after the last letter

export function ReturnPage({ rentid }) {
  const { open, busy } = useStore();
  const [chosen, setChosen] = useState('');
  const rent = open?.find((one) => String(one.rentid) === rentid);
  if (open !== null && !rent && !busy) return html`<${Returned} rentid=${rentid} />`;
  const send = (event) => {
    event.preventDefault();
    if (!busy) giveBack(rentid, chosen);
  };
  const isBusy = busy?.kind === 'return';
  return html`<${Page} title=${t('backWhere')} back="#/ride" onSubmit=${send}>
    <${Where} chosen=${chosen} onChoose=${setChosen} />
    <div class="dock">
      <p class="says" role="status">${chosen ? t('leftAt', place(chosen)) : t('leftHere')}</p>
      <${Big} type="submit" label=${t('giveBackHere')} busyLabel=${t('givingBack')} busy=${isBusy} />
    </div>
  <//>`;
}

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

function usePlaces({ here, looking }, text) {
  const { bikes, places, online } = useStore();
  useEffect(() => {
    readBikes(); // what was not answered is asked again once the line is back
    readLastPlaces();
  }, [online]);
  useEffect(() => void (looking || readPlaces(here)), [here, looking, online]);
  useEffect(() => {
    const timer = text.trim() && places.areSome ? setTimeout(readPlaces, PAUSE_MS, here, text) : 0;
    return () => clearTimeout(timer);
  }, [text]);
  const of = () => allPlaces(places.known, byPlace(bikes ?? [], null, language()), here, language());
  return useMemo(of, [places, bikes, here, language()]);
}

function Where({ chosen, onChoose }) {
  const [text, setText] = useState('');
  const found = useHere();
  const { here, setHere, looking } = found;
  const all = usePlaces(found, text);
  const [isPicked, setIsPicked] = useState(false);
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

// Half a name is no place: then one of those that were found is to be chosen by hand.
function meant(all, text) {
  const [first] = lookedFor(all, text);
  if (!first) return text.trim();
  return nameOf(first.name) === nameOf(text) ? first.name : '';
}

function Found({ all, text, ...choice }) {
  const found = lookedFor(all, text);
  const isKnown = found.length > 0 && nameOf(found[0].name) === nameOf(text);
  const places = [...found.slice(0, FOUND), ...(isKnown ? [] : [{ name: text.trim(), written: true }])];
  return html`<${Places} legend=${t('foundPlaces')} places=${places} ...${choice} />
    ${found.length > FOUND && html`<p class="soft">${t('morePlaces', found.length - FOUND)}</p>`}`;
}

function Offered({ all, looking, ...choice }) {
  const near = all.filter(({ away }) => away < Infinity).slice(0, NEAREST);
  const isIn = (some) => (one) => some.some(({ name }) => nameOf(name) === nameOf(one.name));
  const last = lastPlaces().map((name) => all.find(isIn([{ name }])) ?? { name });
  const others = last.filter((one) => !isIn(near)(one));
  const rest = all.length > FEW ? [] : all.filter((one) => !isIn([...near, ...others])(one));
  return html`${
    looking
      ? html`<${Loading} rows=${NEAREST} />`
      : html`<${Places} legend=${t('nearPlaces')} places=${near} ...${choice} />`
  }
    <${Places} legend=${t('lastPlaces')} places=${others} ...${choice} />
    <${Places} legend=${t('allPlaces')} places=${rest} ...${choice} />`;
}

function Places({ legend, places, chosen, onChoose }) {
  const label = ({ name, written, away }) => html`
    <span class="grow">${written ? t('asWritten', name) : name ? place(name) : t('asItIs')}</span>
    ${away < Infinity && html`<span class="soft">${far(away)}</span>`}
    <${Icon} name=${chosen === name ? 'check' : 'pin'} />`;
  const options = places.map((one) => [one.name, label(one)]);
  const choice = { name: 'place', legend, options, chosen, onChoose };
  return places.length > 0 && html`<${Amounts} kind="options" ...${choice} />`;
}

const Returned = ({ rentid }) =>
  html`<${Page} title=${t('giveBack')} back="#/rides">
    <${Empty} icon="check" title=${t('done')} hint=${t('doneSay')}>
      <${Big} label=${t('bill')} href="#/rides/${rentid}/done" />
    <//>
  <//>`;
