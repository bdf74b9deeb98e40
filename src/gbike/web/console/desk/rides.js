// The rides: those that last too long on top, then whichever somebody looks for.
import { html, useRead } from '../../shared/lib.js';
import { Page } from '../../shared/parts.js';
import { useRoute } from '../../shared/shell.js';
import { many, stamp, t } from '../../shared/text.js';
import { page } from '../fleet.js';
import { useFresh } from '../fresh.js';
import { Figure, Rider, Table } from '../parts.js';
import { ServerList, useServerList } from '../serverlist.js';
import { Bike, during, lasted, ordered, Ride, RideState, Soft } from './links.js';

const MOST = 100; // overdue ones on top; the list has them all
const OPEN = '/rents?status=rented';
const STATUSES = ['rented', 'returned', 'cancelled'];

const columns = (sorts = []) => [
  ['number', t('rideName'), (rent) => html`<${Ride} ...${rent} />`, sorts.find((field) => field === 'rentid')],
  ['status', t('state'), (rent) => html`<${RideState} rent=${rent} />`],
  ['battery', t('bikeName'), (rent) => html`<${Bike} ...${rent} />`],
  ['place', t('riderName'), (rent) => html`<${Rider} ...${rent} />`],
  ['ride', t('beganAt'), ({ starttime }) => html`<${Soft}>${starttime ? stamp(starttime) : '–'}<//>`, 'starttime'],
  ['seen', t('lasted'), (rent) => html`<${Soft}>${rent.endtime ? lasted(rent) : '–'}<//>`],
];
const rowKey = ({ rentid }) => rentid;

/** @returns {Filter[]} */
const filters = () => [
  { id: 'status', kind: 'choice', label: t('state'), options: STATUSES.map((is) => [is, t(`ride_${is}`)]) },
  { id: 'overdue', kind: 'flag', label: t('overdue'), yes: t('onlyOverdue') },
  ...during(),
  { id: 'userid', kind: 'number', label: t('riderAsk') },
  { id: 'bikeid', kind: 'number', label: t('bikeAsk') },
];

const late = async () => ({
  open: (await page(OPEN, 'rents', 1)).total,
  ...(await page('/rents?overdue=true&sort=rentid,asc', 'rents', MOST)),
});

export function RidesPage() {
  const { found, again } = useRead(late, []);
  useFresh(again);
  const { query } = useRoute();
  const order = ordered(query, 'rentid');
  const list = useServerList({ path: '/rents', name: 'rents', filters: filters(), ...order, live: true });
  const table = { columns: columns(order.sorts), rowKey };
  return html`<${Page} title=${t('rides')}>
    <dl class="figures">
      <${Figure} name=${t('inProgress')} value=${said(found?.open)} icon="clock" tone="taken"
        href="#/rides?status=rented" />
      <${Figure} name=${t('overdue')} value=${said(found?.total)} icon="alert" tone=${found?.total ? 'late' : ''}
        href="#/rides?overdue=true" />
    </dl>
    ${
      found?.total > 0 &&
      !query.overdue &&
      html`<section aria-label=${t('overdueRides')}>
        <h2>${t('overdueRides')}</h2>
        <${Table} label=${t('overdueRides')} rows=${found.rows} ...${table} />
      </section>`
    }
    <${ServerList} list=${list} what=${t('rides')} icon="clock" empty=${t('noRides')} hint=${t('noneRidingHint')}
      ...${table} />
  <//>`;
}

const said = (count) => (count === undefined ? '–' : many(count));
