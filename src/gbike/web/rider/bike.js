// One bike: by its number or label, typed or scanned; how it is; and the one large button.
import { ask } from '../shared/api.js';
import { given, html, useEffect, useRead, useRef, useState } from '../shared/lib.js';
import { Battery, Big, Facts, Field, Icon, Loaded, Notice, Page, Status, useSeconds } from '../shared/parts.js';
import { isPlaced, namedIn, statusOf } from '../shared/rental.js';
import { said } from '../shared/session.js';
import { set, useStore } from '../shared/state.js';
import { place, price, t } from '../shared/text.js';
import { rentBike } from './actions.js';

const NAME = { autocomplete: 'off', autocapitalize: 'characters', maxlength: 36, enterkeyhint: 'go' };

export function NumberPage({ to = '#/bike/', back = '#/' }) {
  const [wrong, setWrong] = useState(null);
  const [scanning, setScanning] = useState(false);
  const { bikes } = useStore();
  const lettered = !bikes || bikes.some(({ label }) => label); // else the telephone shows digits
  const go = async (name) => {
    setScanning(false);
    setWrong(null);
    try {
      location.hash = to + (/^[0-9]+$/.test(name) ? name : await numberOf(name));
    } catch (failed) {
      setWrong(failed.type === 'bike-unknown' ? t('noLabel', name) : t('sorry'));
    }
  };
  const next = (event) => {
    event.preventDefault();
    const name = namedIn(given(event).number);
    if (name) go(name);
    else setWrong(t('digits'));
  };
  const camera = html`<${Big} kind="quiet" icon="scan" label=${t('scan')} onClick=${() => setScanning(true)} />`;
  return html`<${Page} title=${t('which')} back=${back} onSubmit=${next}>
    ${scanning && html`<${Camera} go=${go} done=${() => setScanning(false)} />`}
    <div class="digits">
      <${Field} id="number" label=${t('enter')} hint=${t('enterHint')} wrong=${wrong}
        inputmode=${lettered ? 'text' : 'numeric'} ...${NAME} />
    </div>
    ${canScan() && !scanning && camera}
    <div class="dock"><${Big} type="submit" label=${t('next')} /></div>
  <//>`;
}

const numberOf = async (label) =>
  (await ask('GET', `/bikes/search/findByLabel?label=${encodeURIComponent(label)}`)).bikeid;

function Camera({ go, done }) {
  const video = useRef(null);
  useEffect(() => {
    let gone = false;
    scan(video.current, () => gone)
      .then((name) => name && go(name))
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
  const read = useRead(() => ask('GET', `/bikes/${bikeid}`), [notice?.tone === 'bad' && notice]);
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

// Answers the number or label, or null when `stop` was called first. Throws when there is no camera for us.
export async function scan(video, stopped) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    video.srcObject = stream;
    await video.play();
    const detector = new globalThis.BarcodeDetector({ formats: ['qr_code'] });
    while (!stopped()) {
      const [code] = await detector.detect(video);
      const name = code && namedIn(code.rawValue);
      if (name) return name;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
