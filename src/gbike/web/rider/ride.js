// The ride under way, with a live clock and the cost that will be billed; and giving the bike back.
import { now } from '../shared/clock.js';
import { given, html, useEffect, useState } from '../shared/lib.js';
import { Amounts, Big, Empty, Field, Icon, Loading, Page, Status, Wrong } from '../shared/parts.js';
import { byPlace, fee, nextFee } from '../shared/rental.js';
import { useStore } from '../shared/state.js';
import { clock, language, lasting, place, price, t, time, won } from '../shared/text.js';
import { giveBack, readBikes } from './actions.js';

const OFFERED = 5; // places to choose from

export function RidePage() {
  const { open } = useStore();
  useTick();
  const find = html`<${Big} label=${t('find')} href="#/" />`;
  return html`<${Page} title=${t('riding')}>
    ${open === null && html`<${Loading} rows=${1} tall />`}
    ${open?.length === 0 && html`<${Empty} icon="bike" title=${t('noRide')} hint=${t('noRideHint')}>${find}<//>`}
    ${open?.map((rent) => html`<${Running} key=${rent.rentid} rent=${rent} alone=${open.length === 1} />`)}
  <//>`;
}

function useTick() {
  const [, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((count) => count + 1), 250);
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
  const next = nextFee(tariff, ridden);
  const then = t('nextFee', lasting(Math.ceil(next.leftMs / 1000) * 1000), won(next.krw));
  return html`<div class="cost">
    <p><span class="soft">${t('soFar')}</span><strong>${won(fee(tariff, ridden))}</strong></p>
    <p class="soft small"><span>${price(tariff)}</span>${tariff.per_s >= 10 && html`<span>${then}</span>`}</p>
  </div>`;
}

export function ReturnPage({ rentid }) {
  const { bikes, here, open, busy, online } = useStore();
  const [chosen, setChosen] = useState(null);
  const [wrong, setWrong] = useState(null);
  useEffect(() => void readBikes(), [online]); // what was not answered is asked again once the line is back
  const rent = open?.find((one) => String(one.rentid) === rentid);
  if (open !== null && !rent && !busy) return html`<${Returned} rentid=${rentid} />`;
  const known = byPlace(bikes ?? [], here, language());
  const places = known.filter(({ name }) => name).slice(0, OFFERED);
  const send = (event) => {
    event.preventDefault();
    if (busy) return;
    const { place: where, other } = given(event);
    const name = where === ':other' || !places.length ? other.trim() : where;
    if (!name) return setWrong(t('placeNeeded'));
    giveBack(rentid, { endlocation: name, ...(here ?? {}) });
  };
  const other = chosen === ':other' || (bikes !== null && !places.length);
  const option = (value, label) => [
    value,
    html`<span class="grow">${label}</span><${Icon} name=${chosen === value ? 'check' : 'pin'} />`,
  ];
  const options = [...places.map(({ name }) => option(name, place(name))), option(':other', t('elsewhere'))];
  const where = { legend: t('backHint'), options };
  const isBusy = busy?.kind === 'return';
  return html`<${Page} title=${t('backWhere')} back="#/ride" onSubmit=${send}>
    <${Amounts} kind="options" name="place" ...${where} chosen=${chosen} onChoose=${setChosen} />
    ${other && html`<${Field} id="other" label=${t('elsewhereName')} maxlength="200" autocomplete="off" />`}
    ${wrong && !chosen && html`<${Wrong} text=${wrong} />`}
    <div class="dock">
      <${Big} type="submit" label=${t('giveBackHere')} busyLabel=${t('givingBack')} busy=${isBusy} />
    </div>
  <//>`;
}

const Returned = ({ rentid }) =>
  html`<${Page} title=${t('giveBack')} back="#/rides">
    <${Empty} icon="check" title=${t('done')} hint=${t('doneSay')}>
      <${Big} label=${t('bill')} href="#/rides/${rentid}/done" />
    <//>
  <//>`;
