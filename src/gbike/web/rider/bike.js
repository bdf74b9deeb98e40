// One bike: how it is, and the one large button.
import { ask } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
import { Battery, Big, Complain, Facts, Icon, Loaded, Notice, Page, Status, useSeconds } from '../shared/parts.js';
import { isPlaced, statusOf } from '../shared/rental.js';
import { said } from '../shared/session.js';
import { useStore } from '../shared/state.js';
import { place, price, t, waitFor } from '../shared/text.js';
import { rentBike } from './actions.js';

const LOW = 20; // percent, from which on somebody should not ride far

// `called`: its number or its label, as an address says it.
export function BikePage({ called }) {
  const { notice } = useStore();
  const isLabel = /[a-z]/i.test(called);
  const path = isLabel ? `/bikes/search/findByLabel?label=${called}` : `/bikes/${Number(called)}`;
  const read = useRead(() => ask('GET', path), [notice?.tone === 'bad' && notice], `bike ${called}`);
  const bikeid = read.found?.bikeid ?? (isLabel ? called : Number(called));
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
  const { who, tariff, busy, notice, open } = useStore();
  const pause = useSeconds(notice?.until);
  const is = statusOf(bike);
  const mine = open?.some((rent) => rent.bikeid === bike.bikeid);
  const isOffered = is === 'free' && bike.offered !== false;
  const saidOf = { free: isOffered ? null : t('lowSay'), taken: t('takenSay') };
  const why = mine ? null : is in saidOf ? saidOf[is] : t('brokenSay');
  const shown = is === 'free' && !isOffered ? 'low' : is;
  const isLow = isOffered && bike.batterylevel !== null && bike.batterylevel < LOW;
  const rows = [
    bike.label && [t('label'), bike.label],
    [
      t('where'),
      html`${place(bike.location)}${!isPlaced(bike) && html`<br /><span class="soft">${t('notOnMap')}</span>`}`,
    ],
    bike.batterylevel !== null && [t('batteryName'), html`<${Battery} percent=${bike.batterylevel} />`],
    tariff && [t('costs'), price(tariff)],
    [t('lock'), t('lockSelf')],
  ];
  return html`<div class="card hero">
      <div class="portrait ${shown}"><${Icon} name="bike" /></div>
      <${Status} is=${shown} />
      <${Facts} rows=${rows} />
    </div>
    ${why && !notice && html`<${Notice} tone="calm" text=${why} />`}
    ${isLow && html`<${Notice} tone="calm" text=${t('lowWarn', bike.batterylevel)} />`}
    <${Complain} bikeid=${bike.bikeid} />
    <div class="dock">
      ${mine && html`<${Big} label=${t('toRide')} href="#/ride" />`}
      ${is === 'free' && !who && html`<${Big} label=${t('signInToRent')} href="#/signin" />`}
      ${
        isOffered &&
        who &&
        html`<${Big}
          label=${pause ? t('busyIn', waitFor(pause)) : t('rent')}
          busyLabel=${t('renting')}
          busy=${busy?.kind === 'rent'}
          disabled=${pause > 0}
          onClick=${() => pause || busy || rentBike(bike.bikeid)}
        />`
      }
      ${why && html`<${Big} kind="quiet" label=${t('others')} href="#/" />`}
    </div>`;
}
