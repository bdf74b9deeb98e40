// The ride under way, with a live clock and the cost that will be billed.
import { html, useEffect, useTick } from '../shared/lib.js';
import { Big, Complain, Empty, Loading, Notice, Page, Status } from '../shared/parts.js';
import { fee, nextFee } from '../shared/rental.js';
import { useStore } from '../shared/state.js';
import { clock, lasting, price, t, time, won } from '../shared/text.js';
import { readOpen } from './actions.js';
import { riddenMs } from './offline.js';

const LOOK_MS = 60_000; // an operator may have ended the ride, or it has become a long one

export function RidePage() {
  const { open } = useStore();
  useTick(250);
  useEffect(() => {
    const timer = setInterval(readOpen, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const find = html`<${Big} label=${t('find')} href="#/" />`;
  return html`<${Page} title=${t('riding')}>
    ${open === null && html`<${Loading} rows=${1} tall />`}
    ${open?.length === 0 && html`<${Empty} icon="bike" title=${t('noRide')} hint=${t('noRideHint')}>${find}<//>`}
    ${open?.map((rent) => html`<${Running} key=${rent.rentid} rent=${rent} alone=${open.length === 1} />`)}
  <//>`;
}

function Running({ rent, alone }) {
  const { tariff } = useStore();
  const ridden = riddenMs(rent);
  return html`<article class="card running">
      <p class="line"><${Status} is="open" /><span>${t('number', rent.bikeid)}</span></p>
      <p class="clock" role="timer" aria-label=${lasting(ridden)}>${clock(ridden)}</p>
      <p class="soft">${t('since', time(rent.starttime))}</p>
      ${rent.overdue && html`<${Notice} tone="calm" text=${t('overdue')} />`}
      ${tariff && html`<${Cost} tariff=${tariff} ridden=${ridden} />`}
    </article>
    <${Notice} tone="calm" text=${t('lockRide')} />
    <${Complain} bikeid=${rent.bikeid} />
    <div class=${alone ? 'dock' : ''}><${Big} label=${t('giveBack')} href="#/return/${rent.rentid}" /></div>`;
}

function Cost({ tariff, ridden }) {
  const next = nextFee(tariff, ridden);
  const then = t('nextFee', lasting(Math.ceil(next.leftMs / 1000) * 1000), won(next.krw));
  return html`<div class="cost">
    <p><span class="soft">${t('soFar')}</span><strong>${won(fee(tariff, ridden))}</strong></p>
    <p class="soft small"><span>${price(tariff)}</span>${tariff.per_s >= 10 && html`<span>${then}</span>`}</p>
  </div>`;
}
