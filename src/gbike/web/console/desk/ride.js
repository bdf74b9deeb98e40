// One ride, followed while it lasts: whose it is, where the bike is, its bill; and what an operator does to it.
import { ask, askMaybe } from '../../shared/api.js';
import { html, useRead } from '../../shared/lib.js';
import { Facts, Loaded, Notice, Page, useMap } from '../../shared/parts.js';
import { isPlaced } from '../../shared/rental.js';
import { place, stamp, t, won } from '../../shared/text.js';
import { useFresh } from '../fresh.js';
import { Rider } from '../parts.js';
import { minutes } from '../words.js';
import { Act, Acts } from './acts.js';
import { leftOf } from './bills.js';
import { Contact } from './contact.js';
import { Bike, Bill, BillState, lasted, RideState } from './links.js';

async function read(rentid) {
  const rent = await ask('GET', `/rents/${rentid}`);
  const bills = askMaybe(`/billings?rentid=${rentid}`);
  const [bike, found] = await Promise.all([askMaybe(`/bikes/${rent.bikeid}`), bills]);
  return { rent, bike, bill: found?._embedded?.billings[0] ?? null };
}

export function RidePage({ rentid }) {
  const ride = useRead(() => read(rentid), [rentid]);
  const isSettled = ride.found?.rent.status !== 'rented' && ride.found?.bill?.status === 'CLOSEBILL';
  useFresh(ride.again, { wanted: !isSettled });
  const way = { text: t('rides'), href: '#/rides' };
  return html`<${Page} title=${t('rideNo', rentid)} back="#/rides">
    ${
      !ride.found && ride.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('noRideNo', rentid)} way=${way} />`
        : html`<${Loaded} of=${ride} rows=${5}>${(found) => html`<${Known} ...${found} again=${ride.again} />`}<//>`
    }
  <//>`;
}

const Known = ({ rent, bike, bill, again }) =>
  html`<div class="columns">
    <div class="stack">
      <${About} rent=${rent} />
      ${rent.status === 'rented' && html`<${OnIt} rent=${rent} again=${again} />`}
      <${Billed} rent=${rent} bill=${bill} />
    </div>
    <${Where} rent=${rent} bike=${bike} />
  </div>`;

function About({ rent }) {
  const rows = [
    [t('bikeName'), html`<${Bike} ...${rent} />`],
    [t('riderName'), html`<${Rider} ...${rent} />`],
    rent.starttime && [t('beganAt'), stamp(rent.starttime)],
    rent.starttime && [t('lasted'), lasted(rent)],
    rent.endtime && [t('until'), stamp(rent.endtime)],
    rent.endedby && [t('endedBy'), t(`endedBy_${rent.endedby}`) ?? rent.endedby],
    rent.endtime && [t('leftAtPlace'), place(rent.endlocation)],
  ];
  return html`<section class="card" aria-label=${t('rideNo', rent.rentid)}>
    <p class="line"><${RideState} rent=${rent} /></p>
    <${Facts} rows=${rows} />
    <${Contact} userid=${rent.userid} />
  </section>`;
}

function OnIt({ rent, again }) {
  const { rentid, bikeid, starttime } = rent;
  const when = { name: 'at', kind: 'moment', label: t('endedAt'), hint: t('endedAtHint', stamp(starttime)) };
  const end = async ({ reason, at }, key) => {
    const over = await ask('POST', `/rents/${rentid}/end`, { body: { reason, at }, key });
    return { text: t('rideEndedAt', rentid, stamp(over.endtime)) };
  };
  const annul = async ({ reason }, key) => {
    await ask('POST', `/rents/${rentid}/void`, { body: { reason }, key });
    return { text: t('rideVoided', rentid) };
  };
  return html`<${Acts}>
    <${Act} label=${t('endRide')} title=${t('endRideOf', rentid, bikeid)} hint=${t('endRideSay')} fields=${[when]}
      work=${end} then=${again} />
    <${Act} label=${t('voidRide')} title=${t('voidRideOf', rentid, bikeid, minutes(starttime))} hint=${t('voidRideSay')}
      work=${annul} then=${again} />
  <//>`;
}

function Billed({ rent, bill }) {
  if (!bill) return html`<p class="soft">${t(rent.status === 'cancelled' ? 'noBillOfCancelled' : 'noBillYet')}</p>`;
  const rows = [
    [t('billName'), html`<${Bill} ...${bill} />`],
    [t('fee'), bill.fee === null ? '–' : won(bill.fee)],
    bill.refunded > 0 && [t('refunded'), won(bill.refunded)],
    bill.refunded > 0 && [t('leftOf'), won(leftOf(bill))],
  ];
  return html`<section class="card" aria-label=${t('billName')}>
    <p class="line"><${BillState} end=${bill.endtime} status=${bill.status} /></p>
    <${Facts} rows=${rows} />
  </section>`;
}

// Where it is known to be now, or where it was left.
function spotsOf(rent, bike) {
  const spot = (at, kind, words) => ({ lat: at.lat, lon: at.lon, kind, words });
  const bikeAt = bike && (isPlaced(bike) ? bike : bike.point);
  return [
    bikeAt && isPlaced(bikeAt) && spot(bikeAt, 'bike', t('number', rent.bikeid)),
    rent.endtime && isPlaced(rent) && spot(rent, 'end', t('leftAtPlace')),
  ].filter(Boolean);
}

function Where({ rent, bike }) {
  const spots = spotsOf(rent, bike);
  const isOld = bike && !isPlaced(bike) && bike.point;
  return html`<div class="card">
    <h2>${t('whereIsIt')}</h2>
    <p>${place(bike?.location)}</p>
    ${isOld && html`<p class="soft">${t('pointIsOld')}</p>`}
    ${spots.length ? html`<${Spots} spots=${spots} />` : html`<p class="soft">${t('notOnMap')}</p>`}
  </div>`;
}

function Spots({ spots }) {
  const box = useMap(
    () => import('./spot.js'),
    () => {},
    spots,
  );
  return html`<div class="map small-map" ref=${box} role="region" aria-label=${t('whereIsIt')} />`;
}
