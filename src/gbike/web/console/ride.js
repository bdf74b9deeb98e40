// One ride: which bike, who, since when, until when.
import { ask } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
import { Facts, Loaded, Notice, Page } from '../shared/parts.js';
import { place, stamp, t } from '../shared/text.js';
import { Rider } from './parts.js';

export function RidePage({ rentid }) {
  const ride = useRead(() => ask('GET', `/rents/${rentid}`), [rentid]);
  const facts = ({ bikeid, userid, starttime, endtime, endlocation }) => [
    [t('bikeName'), html`<a class="link" href="#/bike/${bikeid}">${t('number', bikeid)}</a>`],
    [t('riderName'), html`<${Rider} userid=${userid} />`],
    [t('beganAt'), stamp(starttime)],
    [t('until'), endtime ? stamp(endtime) : '–'],
    [t('where'), endlocation ? place(endlocation) : '–'],
  ];
  return html`<${Page} title=${t('ride', rentid)} back="#/rides">
    ${
      ride.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('noSuchRide', rentid)} />`
        : html`<${Loaded} of=${ride} rows=${3}>
            ${(found) => html`<div class="card"><${Facts} rows=${facts(found)} /></div>`}
          <//>`
    }
  <//>`;
}
