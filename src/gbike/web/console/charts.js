// What people would rather look at than read: rides and revenue of the last day, and where bikes are free.

import { now } from '../shared/clock.js';
import { html, useRead } from '../shared/lib.js';
import { Loaded, Page } from '../shared/parts.js';
import { byPlace } from '../shared/places.js';
import { FREE } from '../shared/rental.js';
import { language, many, place, t, won } from '../shared/text.js';
import { pages } from './fleet.js';
import { useFleet } from './fleetpage.js';
import { Bars, Columns } from './parts.js';

const HOUR = 3_600_000;
const HOURS = 24;
const MOST_PAGES = 10;
const ZONES = 12;

async function lastDay() {
  const end = Math.floor(now() / HOUR) * HOUR + HOUR;
  const begin = end - HOURS * HOUR;
  const hours = Array.from({ length: HOURS }, (_, index) => ({ from: begin + index * HOUR, rides: 0, krw: 0 }));
  const { all, total } = await pages('/rentAndBillingViews', 'rentAndBillingViews', MOST_PAGES);
  const hour = (iso) => hours[Math.floor((Date.parse(iso) - begin) / HOUR)];
  for (const ride of all) {
    const began = ride.rentStarttime && hour(ride.rentStarttime);
    const ended = ride.rentEndTime && hour(ride.rentEndTime);
    if (began) began.rides += 1;
    if (ended) ended.krw += ride.fee ?? 0;
  }
  return { hours, cut: total > all.length };
}

export function ChartsPage() {
  const fleet = useFleet();
  const day = useRead(lastDay, []);
  const zones = (bikes) => bikes.size > 0 && html`<${Zones} fleet=${bikes} />`;
  return html`<${Page} title=${t('charts')}>
    <${Loaded} of=${day} rows=${3} tall>${(found) => html`<${Day} ...${found} />`}<//>
    ${day.found && html`<${Loaded} of=${fleet} rows=${3}>${zones}<//>`}
  <//>`;
}

function Day({ hours, cut }) {
  const at = ({ from }) => t('hour', new Date(from).getHours());
  const rows = (what, words) => hours.map((hour) => [at(hour), hour[what], words(hour[what])]);
  const sum = (what) => hours.reduce((all, hour) => all + hour[what], 0);
  const rides = { title: t('ridesAnHour'), sum: t('ridesOf', sum('rides')), most: many, rows: rows('rides', many) };
  const revenue = { title: t('revenue'), sum: won(sum('krw')), most: won, rows: rows('krw', won) };
  return html`<div class="columns">
      <${Columns} of=${t('hourName')} ...${rides} /><${Columns} of=${t('hourName')} ...${revenue} />
    </div>
    ${cut && html`<p class="soft">${t('dayCut', MOST_PAGES * 1000)}</p>`}`;
}

function Zones({ fleet }) {
  const zones = new Map();
  const add = (name, bikes) => {
    const zone = zones.get(name) ?? { all: 0, free: 0 };
    const free = bikes.filter(({ status }) => status === FREE).length;
    zones.set(name, { all: zone.all + bikes.length, free: zone.free + free });
  };
  const places = byPlace(fleet.values(), null, language());
  const largest = places.sort((one, other) => other.bikes.length - one.bikes.length); // equals stay in their order
  const others = t('otherZones', largest.length - ZONES);
  for (const [at, { name, bikes }] of largest.entries()) add(at < ZONES ? place(name) : others, bikes);
  const rows = [...zones].map(([name, { all, free }]) => [name, free / all, t('freeOf', free, all)]);
  return html`<${Bars} title=${t('availability')} of=${t('zone')} rows=${rows} />`;
}
