// The ride under way, with a live clock and the cost that will be billed; and giving the bike back.
import { giveBack, readBikes } from './actions.js';
import { fee, now } from './clock.js';
import { byPlace } from './find.js';
import { html, useEffect, useState } from './lib.js';
import { Big, Empty, Field, Icon, Loading, Status, Top } from './parts.js';
import { useStore } from './store.js';
import { clock, lasting, place, price, t, time, won } from './text.js';

const OFFERED = 5; // places to choose from

export function RidePage() {
  const { open } = useStore();
  useTick();
  if (open === null) return html`<section class="page"><${Top} title=${t('riding')} /><${Loading} rows=${1} tall /></section>`;
  if (!open.length)
    return html`<section class="page">
      <${Top} title=${t('riding')} />
      <${Empty} icon="bike" title=${t('noRide')} hint=${t('noRideHint')}><${Big} label=${t('find')} href="#/" /><//>
    </section>`;
  return html`<section class="page">
    <${Top} title=${t('riding')} />
    ${open.map((rent) => html`<${Running} key=${rent.rentid} rent=${rent} alone=${open.length === 1} />`)}
  </section>`;
}

function useTick() {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 250);
    return () => clearInterval(timer);
  }, []);
}

function Running({ rent, alone }) {
  const { tariff } = useStore();
  const ridden = Math.max(0, now() - Date.parse(rent.starttime));
  return html`<article class="card running">
      <p class="line"><${Status} is="open" /><span>${t('number', rent.bikeid)}</span></p>
      <p class="clock" role="timer" aria-label=${lasting(ridden)}>${clock(ridden)}</p>
      <p class="soft">${t('since', time(rent.starttime))}</p>
      ${tariff && html`<${Cost} tariff=${tariff} ridden=${ridden} />`}
    </article>
    <div class=${alone ? 'dock' : ''}><${Big} label=${t('giveBack')} href="#/return/${rent.rentid}" /></div>`;
}

function Cost({ tariff, ridden }) {
  const so = fee(tariff, ridden);
  const interval = tariff.per_s * 1000;
  const left = interval - (ridden % interval);
  const next = fee(tariff, ridden + left + (tariff.rounding === 'ceil' ? 1 : 0));
  return html`<div class="cost">
    <p><span class="soft">${t('soFar')}</span><strong>${won(so)}</strong></p>
    <p class="soft small"><span>${price(tariff)}</span>${tariff.per_s >= 10 && html`<span>${t('nextFee', lasting(Math.ceil(left / 1000) * 1000), won(next))}</span>`}</p>
  </div>`;
}

export function ReturnPage({ rentid }) {
  const { bikes, here, open, busy, online } = useStore();
  const [chosen, choose] = useState(null);
  const [wrong, complain] = useState(null);
  useEffect(() => {
    readBikes();
  }, [online]); // what was not answered is asked again once the line is back
  const rent = open?.find((one) => String(one.rentid) === rentid);
  if (open !== null && !rent && !busy)
    return html`<section class="page"><${Top} title=${t('giveBack')} back="#/rides" /><${Empty} icon="check" title=${t('done')} hint=${t('doneSay')}><${Big} label=${t('bill')} href="#/rides/${rentid}/done" /><//></section>`;
  const places = byPlace(bikes ?? [], here).filter(({ name }) => name).slice(0, OFFERED);
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    const form = new FormData(event.target);
    const name = form.get('place') === ':other' || !places.length ? form.get('other').trim() : form.get('place');
    if (!name) return complain(t('placeNeeded'));
    giveBack(rentid, { endlocation: name, ...(here ?? {}) });
  };
  const other = chosen === ':other' || (bikes !== null && !places.length);
  return html`<form class="page" onSubmit=${send} novalidate>
    <${Top} title=${t('backWhere')} back="#/ride" />
    <fieldset class="options">
      <legend>${t('backHint')}</legend>
      ${[...places.map(({ name }) => [name, place(name)]), [':other', t('elsewhere')]].map(
        ([value, label]) => html`<label key=${value} class=${chosen === value ? 'on' : ''}>
          <input type="radio" name="place" value=${value} checked=${chosen === value} onChange=${() => choose(value)} />
          <span class="grow">${label}</span><${Icon} name=${chosen === value ? 'check' : 'pin'} />
        </label>`,
      )}
    </fieldset>
    ${other && html`<${Field} id="other" label=${t('elsewhereName')} maxlength="200" autocomplete="off" />`}
    ${wrong && !chosen && html`<p class="wrong" role="alert"><${Icon} name="alert" />${wrong}</p>`}
    <div class="dock"><${Big} type="submit" label=${t('giveBackHere')} busyLabel=${t('givingBack')} busy=${busy?.kind === 'return'} /></div>
  </form>`;
}
