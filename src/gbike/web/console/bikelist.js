// The bikes as a list at their service.
import { html } from '../shared/lib.js';
import { Battery, Icon, Page, Status } from '../shared/parts.js';
import { BROKEN, FREE, TAKEN, wordOf } from '../shared/rental.js';
import { place, t } from '../shared/text.js';
import { ServerList, useServerList } from './serverlist.js';
import { ago } from './words.js';

const SORTS = ['bikeid', 'status', 'batterylevel', 'location', 'lastseen'];

/** @returns {Filter[]} */
export const bikeFilters = () => [
  { id: 'q', kind: 'search', label: t('search'), hint: t('bikeSearchHint') },
  {
    id: 'status',
    kind: 'choice',
    label: t('status'),
    options: [
      [FREE, t('free')],
      [TAKEN, t('taken')],
      [BROKEN, t('broken')],
    ],
  },
  { id: 'place', kind: 'search', label: t('where'), hint: t('wholeName') },
  { id: 'batterybelow', kind: 'number', label: t('batteryBelow'), most: 100 },
  { id: 'held', kind: 'flag', label: t('heldName'), yes: t('heldOnly') },
  { id: 'due', kind: 'choice', label: t('dueName'), options: [['past', t('duePast')]] },
  { id: 'retired', kind: 'flag', label: t('gone'), yes: t('goneOnly') },
];

const columns = () => [
  [
    'number',
    t('bikeName'),
    ({ bikeid, label }) =>
      html`<a class="link" href="#/bike/${bikeid}">${bikeid}</a>${label && html` <span class="soft">${label}</span>`}`,
    'bikeid',
  ],
  ['status', t('status'), (bike) => html`<${Status} is=${bike.retired ? 'gone' : wordOf(bike.status)} />`, 'status'],
  ['battery', t('batteryName'), (bike) => html`<${Battery} percent=${bike.batterylevel} />`, 'batterylevel'],
  [
    'place',
    t('where'),
    ({ location }) => html`<span class="cut" title=${location ?? ''}>${place(location)}</span>`,
    'location',
  ],
  ['ride', t('heldName'), ({ held }) => (held ? html`<span class="soft">${t('heldOnly')}</span>` : '')],
  [
    'seen',
    t('lastSeen'),
    ({ lastseen }) => html`<span class="soft">${lastseen ? ago(lastseen) : '–'}</span>`,
    'lastseen',
  ],
];

export function BikesPage() {
  const list = useServerList({
    path: '/bikes',
    name: 'bikes',
    filters: bikeFilters(),
    sorts: SORTS,
    usual: 'bikeid,asc',
    live: true,
  });
  const add = html`<a class="small-button" href="#/add"><${Icon} name="plus" />${t('add')}</a>`;
  const table = { what: t('bikes'), columns: columns(), rowKey: ({ bikeid }) => bikeid };
  return html`<${Page} title=${t('bikes')} beside=${add}>
    <${ServerList} list=${list} ...${table} icon="bike" empty=${t('noBikes')} hint=${t('noBikesHint')} />
  <//>`;
}
