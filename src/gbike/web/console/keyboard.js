// The keyboard of the console: a listener, what it opens, and the list of all shortcuts.
import { html, useEffect, useRef, useState } from '../shared/lib.js';
import { Icon } from '../shared/parts.js';
import { keep, kept } from '../shared/state.js';
import { t } from '../shared/text.js';
import { Dialog } from './dialog.js';
import { isTyping, meantBy } from './keys.js';
import { Palette } from './palette.js';
import { WAYS } from './ways.js';

const SECOND_KEY_MS = 1_500;
const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const PALETTE_KEY = isApple ? '⌘K' : 'Ctrl K';

// A search of the page has the focus; where there is none, the palette searches.
function search() {
  const field = document.querySelector('main input[type="search"]');
  if (!(field instanceof HTMLInputElement)) return false;
  field.focus();
  field.select();
  return true;
}

// What stands over the page: `open` is what is open of it, null where nothing is.
export function Keyboard({ open, setOpen }) {
  const waiting = useRef(0);
  const now = useRef(open);
  now.current = open;
  useEffect(() => {
    const pressed = (event) => {
      if (event.isComposing || event.repeat) return;
      const isOver = Boolean(document.querySelector('dialog[open]'));
      const about = { typing: isTyping(event.target), waiting: waiting.current > Date.now(), on: kept('keys', true) };
      const meant = meantBy(event, about);
      waiting.current = 0;
      if (!meant || (isOver && (meant !== 'palette' || now.current !== 'palette'))) return;
      if (meant === 'wait') {
        waiting.current = Date.now() + SECOND_KEY_MS;
        return;
      }
      const way = meant.go && WAYS.find(([, , , letter]) => letter === meant.go);
      if (meant.go && !way) return;
      event.preventDefault();
      if (way) location.hash = way[2];
      else if (meant !== 'search' || !search()) setOpen(meant === 'keys' ? 'keys' : isOver ? null : 'palette');
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
  const close = () => setOpen(null);
  if (open === 'palette') return html`<${Palette} close=${close} keys=${() => setOpen('keys')} />`;
  return open === 'keys' ? html`<${Keys} close=${close} />` : null;
}

function Keys({ close }) {
  const [on, setOn] = useState(kept('keys', true));
  const turn = () => {
    keep('keys', !on);
    setOn(!on);
  };
  const key = (words) => html`<kbd>${words}</kbd>`;
  /** @type {[string[], string][]} */
  const rows = [
    [[PALETTE_KEY], t('palette')],
    [['/'], t('toSearch')],
    [['?'], t('keys')],
    [['Esc'], t('close')],
    ...WAYS.map(([name, , , letter]) => /** @type {[string[], string]} */ ([['g', letter], t(name)])),
  ];
  return html`<${Dialog} title=${t('keys')} close=${close}>
    <label class="switch"><input type="checkbox" checked=${on} onChange=${turn} />${t('keysOn')}</label>
    <dl class="facts keys">
      ${rows.map(([keys, words]) => html`<div key=${words}><dt>${words}</dt><dd>${keys.map(key)}</dd></div>`)}
    </dl>
  <//>`;
}

export const PaletteButton = ({ open }) =>
  html`<button
    class="find-button"
    type="button"
    onClick=${open}
    aria-keyshortcuts="Control+K Meta+K"
    aria-haspopup="dialog"
  >
    <${Icon} name="find" /><span>${t('palette')}</span><kbd aria-hidden="true">${PALETTE_KEY}</kbd>
  </button>`;
