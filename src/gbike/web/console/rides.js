// The rides in progress, the longest first; those beyond the limit that the operator chose stand out.
import { html } from '../shared/lib.js';
import { Empty, Icon, Loaded, Page } from '../shared/parts.js';
import { useRoute } from '../shared/shell.js';
import { many, place, stamp, t } from '../shared/text.js';
import { Stale, useFleet } from './fleetpage.js';
import { Figure, Rider, Select, Table } from './parts.js';
import { minutes, since } from './words.js';

const LIMITS = ['30', '60', '120', '240', '720', '1440'];
const USUAL = '120';

export function RidesPage() {
  const fleet = useFleet();
  return html`<${Page} title=${t('inProgress')}>
    <${Stale} of=${fleet} />
    <${Loaded} of=${fleet} rows=${5}>${(bikes) => html`<${Rides} fleet=${bikes} rides=${fleet.rides} />`}<//>
  <//>`;
}

function Rides({ fleet, rides }) {
  const { query } = useRoute();
  const over = LIMITS.includes(query.over) ? query.over : USUAL;
  const isLate = (rent) => minutes(rent.starttime) >= Number(over);
  const rows = [...rides.values()].sort((a, b) => a.starttime.localeCompare(b.starttime));
  const overdue = rows.filter(isLate).length;
  const lasted = (rent) => {
    const [tone, icon, more] = isLate(rent) ? ['late', 'alert', ` · ${t('overdue')}`] : ['taken', 'clock', ''];
    return html`<span class="status ${tone}"><${Icon} name=${icon} />${since(rent.starttime)}${more}</span>`;
  };
  const columns = [
    ['number', t('rideName'), ({ rentid }) => html`<strong>${rentid}</strong>`],
    ['status', t('lasted'), lasted],
    [
      'battery',
      t('bikeName'),
      ({ bikeid }) => html`<a class="link" href="#/bike/${bikeid}">${t('number', bikeid)}</a>`,
    ],
    ['place', t('riderName'), ({ userid }) => html`<${Rider} userid=${userid} />`],
    ['ride', t('beganAt'), ({ starttime }) => stamp(starttime)],
    ['seen', t('from'), ({ bikeid }) => html`<span class="soft cut">${place(fleet.get(bikeid)?.location)}</span>`],
  ];
  const limits = LIMITS.map((limit) => [limit, t('limit', Number(limit))]);
  return html`<dl class="figures">
      <${Figure} name=${t('inProgress')} value=${many(rows.length)} icon="clock" tone="taken" />
      <${Figure} name=${t('overdue')} value=${many(overdue)} icon="alert" tone=${overdue ? 'late' : ''} />
    </dl>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Select} id="over" label=${t('overdueAfter')} value=${over} options=${limits} />
    </form>
    ${
      rows.length
        ? html`<${Table} label=${t('inProgress')} columns=${columns} rows=${rows} rowKey=${({ rentid }) => rentid} />`
        : html`<${Empty} icon="clock" title=${t('noneRiding')} hint=${t('noneRidingHint')} />`
    }`;
}
