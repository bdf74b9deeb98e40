// Which bike: by its number or label, typed, scanned or read from a photo. Its words come with it.
import { ask } from '../shared/api.js';
import { given, html, useEffect, useRef, useState } from '../shared/lib.js';
import { Big, Field, Icon, Notice, Page } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { useStore } from '../shared/state.js';
import { learn, t } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';
import { meant } from './numbers.js';
import { readPhoto, watch } from './reader.js';

learn({ ko, en });

const TYPED = { autocomplete: 'off', autocapitalize: 'characters', maxlength: 200, enterkeyhint: 'go' };
const LONG_MS = 12_000; // without a code in sight

export default function NumberPage({ to = '#/bike/', back = '#/' }) {
  const [wrong, setWrong] = useState(null);
  const [scanning, setScanning] = useState(false);
  const { bikes } = useStore();
  const go = async (one) => {
    setScanning(false);
    if (!one) return setWrong(t('digits'));
    if (one.bikeid) {
      location.hash = to + one.bikeid;
      return;
    }
    const find = `/bikes/search/findByLabel?label=${encodeURIComponent(one.label)}`;
    const known = (bike) => {
      location.hash = to + bike.bikeid;
    };
    const say = (failed) => setWrong(failed.status === 404 ? t('unknownBike', one.label) : said(failed, 'bike').text);
    await ask('GET', find).then(known, say);
  };
  const next = (event) => {
    event.preventDefault();
    go(meant(given(event).number));
  };
  const lettered = !bikes || bikes.some(({ label }) => label); // else the telephone shows digits
  const keys = { inputmode: lettered ? 'text' : 'numeric' };
  const camera = html`<${Big} kind="quiet" icon="scan" label=${t('scan')} onClick=${() => setScanning(true)} />`;
  return html`<${Page} title=${t('which')} back=${back} onSubmit=${next}>
    ${scanning && html`<${Camera} found=${go} />`}
    <div class="digits">
      <${Field} id="number" label=${t('enter')} hint=${t('enterHint')} wrong=${wrong} ...${TYPED} ...${keys} />
    </div>
    ${!scanning && camera}
    <div class="dock"><${Big} type="submit" label=${t('next')} /></div>
  <//>`;
}

function Camera({ found }) {
  const video = useRef(null);
  const [why, setWhy] = useState(null);
  const [hint, setHint] = useState('aim');
  useEffect(() => {
    let over = false;
    const heard = (text) => {
      const one = meant(text);
      over = over || Boolean(one);
      if (one) found(one);
      else setHint('notABike');
    };
    const long = setTimeout(() => setHint((said) => (said === 'aim' ? 'nothingRead' : said)), LONG_MS);
    watch(video.current, heard, () => over).catch((failed) => over || setWhy(failed.why));
    return () => {
      over = true;
      clearTimeout(long);
    };
  }, []);
  return html`${
    why
      ? html`<${Notice} tone="calm" text=${t(why)} />`
      : html`<figure class="camera">
          <video ref=${video} playsinline muted /><figcaption role="status">${t(hint)}</figcaption>
        </figure>`
  }
  ${(why || hint !== 'aim') && html`<${Photo} found=${found} />`}`;
}

// Taken with the phone's own camera, or chosen.
function Photo({ found }) {
  const [busy, setBusy] = useState(false);
  const [why, setWhy] = useState(null);
  const choose = async ({ currentTarget: input }) => {
    const [file] = input.files;
    input.value = ''; // the same may be chosen again
    if (!file || busy) return;
    setBusy(true);
    setWhy(null);
    try {
      const texts = await readPhoto(file);
      const one = texts.map(meant).find(Boolean);
      if (one) await found(one);
      else setWhy(texts.length ? 'notABike' : 'notInPhoto');
    } catch (failed) {
      setWhy(failed.why);
    }
    setBusy(false);
  };
  return html`${why && html`<${Notice} tone="calm" text=${t(why)} />`}
    <label class="big quiet photo" aria-disabled=${busy ? 'true' : undefined}>
      <${Icon} name="scan" /><span>${t(busy ? 'readingPhoto' : 'photo')}</span>
      <input type="file" accept="image/*" capture="environment" onChange=${choose} />
    </label>`;
}
