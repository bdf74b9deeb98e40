// One bike: by its number, typed or scanned; how it is; and the one large button.
import { rentBike, said } from './actions.js';
import { ask } from './api.js';
import { html, useEffect, useRef, useState } from './lib.js';
import { Battery, Big, Facts, Failed, Field, Icon, Loading, Notice, Status, Top, useSeconds } from './parts.js';
import { set, useStore } from './store.js';
import { place, price, t } from './text.js';
import { canScan, scan } from './scan.js';

export function NumberPage({ to = '#/bike/', back = '#/' }) {
  const [wrong, complain] = useState(null);
  const [scanning, look] = useState(false);
  const next = (event) => {
    event.preventDefault();
    const number = new FormData(event.target).get('number').trim();
    if (/^[1-9][0-9]{0,15}$/.test(number)) location.hash = to + number;
    else complain(t('digits'));
  };
  return html`<form class="page" onSubmit=${next} novalidate>
    <${Top} title=${t('which')} back=${back} />
    ${scanning && html`<${Camera} to=${to} done=${() => look(false)} />`}
    <div class="digits">
      <${Field} id="number" label=${t('enter')} hint=${t('enterHint')} wrong=${wrong} inputmode="numeric" autocomplete="off" maxlength="16" enterkeyhint="go" />
    </div>
    ${canScan() && !scanning && html`<${Big} kind="quiet" icon="scan" label=${t('scan')} onClick=${() => look(true)} />`}
    <div class="dock"><${Big} type="submit" label=${t('next')} /></div>
  </form>`;
}

function Camera({ to, done }) {
  const video = useRef(null);
  useEffect(() => {
    let gone = false;
    scan(video.current, () => gone)
      .then((number) => number && (location.hash = to + number))
      .catch(() => {
        set({ notice: { tone: 'warn', text: t('noCamera') } });
        done();
      });
    return () => {
      gone = true;
    };
  }, []);
  return html`<figure class="camera"><video ref=${video} playsinline muted /><figcaption>${t('aim')}</figcaption></figure>`;
}

export const IS = { 사용가능: 'free', 사용중: 'taken', 불량: 'broken' };

export function BikePage({ bikeid }) {
  const { tariff, busy, notice, open } = useStore();
  const [bike, found] = useState(null);
  const [refusal, refuse] = useState(null);
  const [failed, fail] = useState(false);
  const pause = useSeconds(notice?.until);
  const read = async () => {
    try {
      found(await ask('GET', `/bikes/${bikeid}`));
      fail(false);
    } catch (problem) {
      if (problem.type === 'bike-unknown') refuse(said(problem, 'rent', { body: { bikeid } }));
      else fail(true);
    }
  };
  useEffect(() => {
    found(null);
    refuse(null);
    read();
  }, [bikeid]);
  useEffect(() => {
    if (notice?.tone === 'bad') read();
  }, [notice]);
  const is = bike && (bike.retired ? 'gone' : IS[bike.status]);
  const mine = open?.find((rent) => String(rent.bikeid) === bikeid);
  const why = mine ? null : { taken: t('takenSay'), broken: t('brokenSay'), gone: t('brokenSay') }[is];
  return html`<section class="page">
    <${Top} title=${t('number', bikeid)} back="#/" />
    ${refusal && html`<${Notice} ...${refusal} /><div class="dock"><${Big} kind="quiet" label=${t('others')} href="#/" /></div>`}
    ${!bike && !refusal && !failed && html`<${Loading} rows=${1} tall />`}
    ${failed && !bike && html`<${Failed} again=${read} />`}
    ${bike &&
    html`<div class="card hero">
        <div class="portrait ${is}"><${Icon} name="bike" /></div>
        <${Status} is=${is} />
        <${Facts}
          rows=${[
            [t('where'), place(bike.location)],
            bike.batterylevel !== null && [t('batteryName'), html`<${Battery} percent=${bike.batterylevel} />`],
            tariff && [t('costs'), price(tariff)],
          ]}
        />
      </div>
      ${why && !notice && html`<${Notice} tone="calm" text=${why} />`}
      <div class="dock">
        ${mine && html`<${Big} label=${t('toRide')} href="#/ride" />`}
        ${is === 'free' &&
        html`<${Big}
          label=${pause ? t('busyIn', pause) : t('rent')}
          busyLabel=${t('renting')}
          busy=${busy?.kind === 'rent'}
          disabled=${pause > 0}
          onClick=${() => pause || busy || rentBike(bike.bikeid)}
        />`}
        ${why && html`<${Big} kind="quiet" label=${t('others')} href="#/" />`}
      </div>`}
  </section>`;
}
