// The palette: somebody writes what they mean, and goes there: a page, a bike, a ride or a rider by number, a label, a
// place.
import { ask, askMaybe } from '../shared/api.js';
import { html, useEffect, useState } from '../shared/lib.js';
import { Icon } from '../shared/parts.js';
import { address } from '../shared/shell.js';
import { called, place, t } from '../shared/text.js';
import { Dialog } from './dialog.js';
import { thingsOf, WAYS } from './ways.js';

const TYPED_MS = 200;
const MOST_PLACES = 5;
const LABEL = /^(?=.*\p{L})[\p{L}\p{N}-]{2,36}$/u;

// The pages whose name has the words in it, in either language.
function waysOf(words) {
  return WAYS.filter(([name]) => called(name).some((one) => one.toLowerCase().includes(words))).map(
    ([name, icon, href]) => ({ text: t(name), icon, href }),
  );
}

const bikeOf = ({ bikeid, label }) => ({
  text: `${t('number', bikeid)} · ${label}`,
  icon: 'bike',
  href: `#/bike/${bikeid}`,
});
const placeOf = ({ name }) => ({ text: place(name), icon: 'pin', href: address('/bikes', { place: name }) });

// What the services know by these words: a bike by its label, places by their name.
async function known(words) {
  const label = LABEL.test(words)
    ? askMaybe(`/bikes/search/findByLabel?${new URLSearchParams({ label: words })}`)
    : null;
  const places = ask('GET', `/places?${new URLSearchParams({ q: words, size: String(MOST_PLACES) })}`);
  const [bike, found] = await Promise.allSettled([label, places]);
  return [
    ...(bike.status === 'fulfilled' && bike.value ? [bikeOf(bike.value)] : []),
    ...(found.status === 'fulfilled' ? (found.value._embedded?.places ?? []).map(placeOf) : []),
  ];
}

function useKnown(words) {
  const [found, setFound] = useState({ words: '', some: [] });
  useEffect(() => {
    if (words.length < 2 || /^\d+$/.test(words)) return undefined;
    const timer = setTimeout(() => known(words).then((some) => setFound({ words, some })), TYPED_MS);
    return () => clearTimeout(timer);
  }, [words]);
  return found.words === words ? found.some : [];
}

export function Palette({ close, keys }) {
  const [written, setWritten] = useState('');
  const [at, setAt] = useState(0);
  const words = written.trim().toLowerCase();
  const some = useKnown(words);
  const things = thingsOf(words).map(({ name, icon, number, href }) => ({ text: t(name, number), icon, href }));
  const listed = words && {
    text: t('bikesWith', written.trim()),
    icon: 'list',
    href: address('/bikes', { q: written.trim() }),
  };
  const help = t('keys').toLowerCase().includes(words) && { text: t('keys'), icon: 'list', run: keys };
  const all = [...things, ...waysOf(words), ...some, ...[help, listed].filter(Boolean)];
  const chosen = Math.min(at, all.length - 1);
  useEffect(() => document.getElementById(`way-${chosen}`)?.scrollIntoView({ block: 'nearest' }), [chosen]);
  const go = ({ href, run }) => {
    close();
    if (run) run();
    else location.hash = href;
  };
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const pressed = (event) => {
    if (event.isComposing) return;
    if (event.key in steps) setAt((chosen + steps[event.key] + all.length) % all.length);
    else if (event.key === 'Enter') all[chosen] && go(all[chosen]);
    else return;
    event.preventDefault();
  };
  const typed = ({ target }) => {
    setWritten(target.value);
    setAt(0);
  };
  const box = {
    autocomplete: 'off',
    maxlength: 100,
    role: 'combobox',
    'aria-expanded': 'true',
    'aria-controls': 'ways',
    'aria-autocomplete': 'list',
    'aria-activedescendant': all.length ? `way-${chosen}` : undefined,
  };
  return html`<${Dialog} title=${t('palette')} close=${close} more="palette">
    <div class="field">
      <label for="palette-words">${t('paletteHint')}</label>
      <input id="palette-words" ...${box} value=${written} onInput=${typed} onKeyDown=${pressed} />
    </div>
    <ul id="ways" role="listbox" aria-label=${t('palette')}>
      ${all.map(
        ({ text, icon, href, run }, index) => html`<li
          key=${`${href} ${text}`}
          id="way-${index}"
          role="option"
          aria-selected=${index === chosen ? 'true' : 'false'}
          onClick=${() => go({ href, run })}
        >
          <${Icon} name=${icon} />${text}
        </li>`,
      )}
    </ul>
  <//>`;
}
