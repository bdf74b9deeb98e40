// What people would rather look at than read: rides and revenue of the last day, and where bikes are free.
import { now } from '../clock.js';
import { html, useEffect, useState } from '../lib.js';
import { Failed, Loading, Top } from '../parts.js';
import { place, t, won } from '../text.js';
import { FREE, pages, refresh } from './fleet.js';
import { useFleet } from './fleetpage.js';
import { Bars, Columns } from './parts.js';
import { many } from './words.js';

const HOUR = 3_600_000;
const HOURS = 24;
const MOST_PAGES = 10;
const ZONES = 12;

async function lastDay() {
  const end = Math.floor(now() / HOUR) * HOUR + HOUR;
  const hours = Array.from({ length: HOURS }, (_, index) => ({ from: end - (HOURS - index) * HOUR, rides: 0, krw: 0 }));
  const { all, total } = await pages('/rentAndBillingViews', 'rentAndBillingViews', MOST_PAGES);
  const hour = (iso) => hours[Math.floor((Date.parse(iso) - hours[0].from) / HOUR)];
  for (const ride of all) {
    const began = ride.rentStarttime && hour(ride.rentStarttime);
    const ended = ride.rentEndTime && hour(ride.rentEndTime);
    if (began) began.rides += 1;
    if (ended) ended.krw += ride.fee ?? 0;
  }
  return { hours, cut: total > all.length };
}

export function ChartsPage() {
  const { fleet, failed: noFleet } = useFleet();
  const [[day, failed], know] = useState([null, null]);
  const look = () => {
    refresh();
    lastDay().then((found) => know([found, null]), (why) => know([day, why]));
  };
  useEffect(look, []);
  const at = ({ from }) => t('hour', new Date(from).getHours());
  const sum = (what) => day.hours.reduce((all, hour) => all + hour[what], 0);
  return html`<section class="page">
    <${Top} title=${t('charts')} />
    ${!day && !failed && html`<${Loading} rows=${3} tall />`}
    ${((!day && failed) || (!fleet && noFleet)) && html`<${Failed} again=${look} />`}
    ${day &&
    html`<div class="columns">
      <${Columns} title=${t('ridesAnHour')} of=${t('hourName')} sum=${t('ridesOf', sum('rides'))} most=${(top) => many(top)} rows=${day.hours.map((hour) => [at(hour), hour.rides, many(hour.rides)])} />
      <${Columns} title=${t('revenue')} of=${t('hourName')} sum=${won(sum('krw'))} most=${(top) => won(top)} rows=${day.hours.map((hour) => [at(hour), hour.krw, won(hour.krw)])} />
    </div>`}
    ${day?.cut && html`<p class="soft">${t('dayCut', MOST_PAGES * 1000)}</p>`}
    ${fleet?.size > 0 && html`<${Zones} fleet=${fleet} />`}
  </section>`;
}

function Zones({ fleet }) {
  const zones = new Map();
  for (const bike of fleet.values()) {
    const zone = zones.get(bike.location ?? '') ?? { all: 0, free: 0 };
    zones.set(bike.location ?? '', { all: zone.all + 1, free: zone.free + (bike.status === FREE) });
  }
  const largest = [...zones].sort(([, a], [, b]) => b.all - a.all);
  const rest = largest.slice(ZONES).reduce((sum, [, zone]) => ({ all: sum.all + zone.all, free: sum.free + zone.free }), { all: 0, free: 0 });
  const shown = [...largest.slice(0, ZONES).map(([name, zone]) => [place(name), zone]), ...(rest.all ? [[t('otherZones', largest.length - ZONES), rest]] : [])];
  return html`<${Bars} title=${t('availability')} of=${t('zone')} rows=${shown.map(([name, zone]) => [name, zone.free / zone.all, t('freeOf', zone.free, zone.all)])} />`;
}
