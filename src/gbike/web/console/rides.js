// The rides in progress, the longest first; those beyond the limit that the operator chose stand out.
import { html } from '../lib.js';
import { Empty, Failed, Icon, Loading, Top } from '../parts.js';
import { place, t } from '../text.js';
import { Stale, useFleet } from './fleetpage.js';
import { refresh } from './fleet.js';
import { Figure, Select, Table } from './parts.js';
import { narrow, useRoute } from './route.js';
import { many, minutes, since, stamp } from './words.js';

const LIMITS = ['30', '60', '120', '240', '720', '1440'];
const USUAL = '120';

export function RidesPage() {
  const { fleet, rides, failed } = useFleet();
  const { query } = useRoute();
  const over = LIMITS.includes(query.over) ? query.over : USUAL;
  const late = (rent) => minutes(rent.starttime) >= Number(over);
  const rows = [...rides.values()].sort((a, b) => a.starttime.localeCompare(b.starttime));
  const overdue = rows.filter(late).length;
  const columns = [
    ['number', t('rideName'), (rent) => html`<strong>${rent.rentid}</strong>`],
    ['status', t('lasted'), (rent) => html`<span class="status ${late(rent) ? 'late' : 'taken'}"><${Icon} name=${late(rent) ? 'alert' : 'clock'} />${since(rent.starttime)}${late(rent) ? ` · ${t('overdue')}` : ''}</span>`],
    ['battery', t('bikeName'), (rent) => html`<a class="link" href="#/bike/${rent.bikeid}">${t('number', rent.bikeid)}</a>`],
    ['place', t('riderName'), (rent) => html`<a class="link" href="#/money?rider=${rent.userid}">${t('riderNo', rent.userid)}</a>`],
    ['ride', t('beganAt'), (rent) => stamp(rent.starttime)],
    ['seen', t('from'), (rent) => html`<span class="soft cut">${place(fleet?.get(rent.bikeid)?.location)}</span>`],
  ];
  return html`<section class="page">
    <${Top} title=${t('inProgress')} />
    ${!fleet && !failed && html`<${Loading} rows=${5} />`}
    ${!fleet && failed && html`<${Failed} again=${refresh} />`}
    ${fleet && failed && html`<${Stale} failed=${failed} />`}
    ${fleet &&
    html`<dl class="figures">
        <${Figure} name=${t('inProgress')} value=${many(rows.length)} icon="clock" tone="taken" />
        <${Figure} name=${t('overdue')} value=${many(overdue)} icon="alert" tone=${overdue ? 'late' : ''} />
      </dl>
      <form class="filters" onSubmit=${(event) => event.preventDefault()}>
        <${Select} id="over" label=${t('overdueAfter')} value=${over} options=${LIMITS.map((limit) => [limit, t('limit', Number(limit))])} onChange=${(limit) => narrow({ over: limit })} />
      </form>
      ${rows.length ? html`<${Table} label=${t('inProgress')} columns=${columns} rows=${rows} rowKey=${(rent) => rent.rentid} />` : html`<${Empty} icon="clock" title=${t('noneRiding')} hint=${t('noneRidingHint')} />`}`}
  </section>`;
}
