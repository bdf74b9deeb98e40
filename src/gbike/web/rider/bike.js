// One bike: by its number, typed or scanned; how it is; and the one large button.
import { ask } from '../shared/api.js';
import { given, html, useEffect, useRead, useRef, useState } from '../shared/lib.js';
import { Battery, Big, Facts, Field, Icon, Loaded, Notice, Page, Status, useSeconds } from '../shared/parts.js';
import { isPlaced, statusOf } from '../shared/rental.js';
import { said } from '../shared/session.js';
import { set, useStore } from '../shared/state.js';
import { place, price, t } from '../shared/text.js';
import { rentBike } from './actions.js';

const TYPED = { autocomplete: 'off', autocapitalize: 'characters', maxlength: 36, enterkeyhint: 'go' };
const NUMBER = /^[1-9][0-9]{0,15}$/;
const LABEL = /^(?=.*[a-z])[a-z0-9-]{1,36}$/i;

export function NumberPage({ to = '#/bike/', back = '#/' }) {
  const [wrong, setWrong] = useState(null);
  const [scanning, setScanning] = useState(false);
  const { bikes } = useStore();
  const go = async (text) => {
    setScanning(false);
    if (NUMBER.test(text)) location.hash = to + text;
    else if (!LABEL.test(text)) setWrong(t('digits'));
    else {
      const find = `/bikes/search/findByLabel?label=${encodeURIComponent(text)}`;
      const known = (bike) => {
        location.hash = to + bike.bikeid;
      };
      const say = (failed) => setWrong(failed.status === 404 ? t('unknownBike', text) : said(failed, 'bike').text);
      await ask('GET', find).then(known, say);
    }
  };
  const next = (event) => {
    event.preventDefault();
    go(given(event).number.trim());
  };
  const lettered = !bikes || bikes.some(({ label }) => label); // else the telephone shows digits
  const keys = { inputmode: lettered ? 'text' : 'numeric' };
  const camera = html`<${Big} kind="quiet" icon="scan" label=${t('scan')} onClick=${() => setScanning(true)} />`;
  return html`<${Page} title=${t('which')} back=${back} onSubmit=${next}>
    ${scanning && html`<${Camera} found=${go} done=${() => setScanning(false)} />`}
    <div class="digits">
      <${Field} id="number" label=${t('enter')} hint=${t('enterHint')} wrong=${wrong} ...${TYPED} ...${keys} />
    </div>
    ${canScan() && !scanning && camera}
    <div class="dock"><${Big} type="submit" label=${t('next')} /></div>
  <//>`;
}

function Camera({ found, done }) {
  const video = useRef(null);
  useEffect(() => {
    let gone = false;
    scan(video.current, () => gone)
      .then((number) => {
        if (number) found(number);
      })
      .catch(() => {
        set({ notice: { tone: 'warn', text: t('noCamera') } });
        done();
      });
    return () => {
      gone = true;
    };
  }, []);
  return html`<figure class="camera">
    <video ref=${video} playsinline muted /><figcaption>${t('aim')}</figcaption>
  </figure>`;
}

export function BikePage({ bikeid }) {
  const { notice } = useStore();
  const read = useRead(() => ask('GET', `/bikes/${bikeid}`), [notice?.tone === 'bad' && notice], `bike ${bikeid}`);
  if (read.failed?.type !== 'bike-unknown')
    return html`<${Page} title=${t('number', bikeid)} back="#/">
      <${Loaded} of=${read} rows=${1} tall>${(bike) => html`<${Bike} bike=${bike} />`}<//>
    <//>`;
  return html`<${Page} title=${t('number', bikeid)} back="#/">
    <${Notice} ...${said(read.failed, 'rent', { body: { bikeid } })} />
    <div class="dock"><${Big} kind="quiet" label=${t('others')} href="#/" /></div>
  <//>`;
}

function Bike({ bike }) {
  const { tariff, busy, notice, open } = useStore();
  const pause = useSeconds(notice?.until);
  const is = statusOf(bike);
  const mine = open?.some((rent) => rent.bikeid === bike.bikeid);
  const why = mine ? null : { taken: t('takenSay'), broken: t('brokenSay'), gone: t('brokenSay') }[is];
  const rows = [
    bike.label && [t('label'), bike.label],
    [
      t('where'),
      html`${place(bike.location)}${!isPlaced(bike) && html`<br /><span class="soft">${t('notOnMap')}</span>`}`,
    ],
    bike.batterylevel !== null && [t('batteryName'), html`<${Battery} percent=${bike.batterylevel} />`],
    tariff && [t('costs'), price(tariff)],
  ];
  return html`<div class="card hero">
      <div class="portrait ${is}"><${Icon} name="bike" /></div>
      <${Status} is=${is} />
      <${Facts} rows=${rows} />
    </div>
    ${why && !notice && html`<${Notice} tone="calm" text=${why} />`}
    <div class="dock">
      ${mine && html`<${Big} label=${t('toRide')} href="#/ride" />`}
      ${
        is === 'free' &&
        html`<${Big}
          label=${pause ? t('busyIn', pause) : t('rent')}
          busyLabel=${t('renting')}
          busy=${busy?.kind === 'rent'}
          disabled=${pause > 0}
          onClick=${() => pause || busy || rentBike(bike.bikeid)}
        />`
      }
      ${why && html`<${Big} kind="quiet" label=${t('others')} href="#/" />`}
    </div>`;
}

export const canScan = () => 'BarcodeDetector' in globalThis && Boolean(navigator.mediaDevices?.getUserMedia);

// A code holds the bike's number or label alone, or an address that ends with it.
export function numberIn(text) {
  const last = text.trim().replace(/^.*\/bike\//, '');
  return NUMBER.test(last) || LABEL.test(last) ? last : null;
}

// Answers the number, or null when `stop` was called first. Throws when there is no camera for us.
export async function scan(video, stopped) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    video.srcObject = stream;
    await video.play();
    const detector = new globalThis.BarcodeDetector({ formats: ['qr_code'] });
    while (!stopped()) {
      const [code] = await detector.detect(video);
      const number = code && numberIn(code.rawValue);
      if (number) return number;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
