// The bikes as a list at their service: some of them, or all that fit, are chosen and something is done to them.
import { ask } from '../shared/api.js';
import { html, useEffect, useState } from '../shared/lib.js';
import { Battery, Icon, Page, Status } from '../shared/parts.js';
import { BROKEN, FREE, TAKEN, wordOf } from '../shared/rental.js';
import { address } from '../shared/shell.js';
import { announce, useStore } from '../shared/state.js';
import { many, place, t } from '../shared/text.js';
import { pageOf } from './asked.js';
import { ACTS, questionOf } from './bikeacts.js';
import { BulkPanel, begin, isRunning } from './bulkpanel.js';
import { ReasonDialog } from './dialog.js';
import { ServerList, useServerList } from './serverlist.js';
import { ago } from './words.js';

const SORTS = ['bikeid', 'status', 'batterylevel', 'location', 'lastseen'];
const MOST = 2_000; // bikes that something is done to at once
const PAGE = 1_000;
const NAMED = 3; // of those chosen, in the question
const NONE = new Map();

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

const heldAs = ({ held, due }) => {
  if (!held || !due) return '';
  const isPast = Date.parse(due) < Date.now();
  return html`<span class=${isPast ? 'status late' : 'soft'}>${t(isPast ? 'pastDue' : 'dueOn', due)}</span>`;
};

const columns = (picks) => [
  picks,
  [
    'number',
    t('bikeName'),
    ({ bikeid, label }) =>
      html`<a class="link" href="#/bike/${bikeid}">${bikeid}</a>${label && html` <span class="soft">${label}</span>`}`,
    'bikeid',
  ],
  [
    'status',
    t('status'),
    (bike) => html`<${Status} is=${bike.retired ? 'gone' : bike.held ? 'held' : wordOf(bike.status)} />`,
    'status',
  ],
  ['battery', t('batteryName'), (bike) => html`<${Battery} percent=${bike.batterylevel} />`, 'batterylevel'],
  [
    'place',
    t('where'),
    ({ location }) => html`<span class="cut" title=${location ?? ''}>${place(location)}</span>`,
    'location',
  ],
  ['ride', t('dueName'), heldAs],
  [
    'seen',
    t('lastSeen'),
    ({ lastseen }) => html`<span class="soft">${lastseen ? ago(lastseen) : '–'}</span>`,
    'lastseen',
  ],
];

// On a narrow screen a list has no heads of columns: what chooses all of a page says so beside it.
const Pick = ({ label, on, turn, words = '' }) =>
  html`<label class="check">
    <input type="checkbox" checked=${on} onChange=${turn} aria-label=${label} />
    ${words && html`<span class="check-words" aria-hidden="true">${words}</span>`}
  </label>`;

export function BikesPage() {
  useStore();
  const filters = bikeFilters();
  const list = useServerList({ path: '/bikes', name: 'bikes', filters, sorts: SORTS, usual: 'bikeid,asc', live: true });
  const [chosen, setChosen] = useState(NONE);
  const [asked, setAsked] = useState(null);
  const narrowed = JSON.stringify(list.asked.chosen);
  useEffect(() => setChosen(NONE), [narrowed]); // what is not seen any more is not chosen
  const rows = list.found?.rows ?? [];
  const isChosen = ({ bikeid }) => chosen.has(bikeid);
  const choose = (some, on) => {
    const all = new Map(chosen);
    for (const bike of some) on ? all.set(bike.bikeid, bike) : all.delete(bike.bikeid);
    setChosen(all);
  };
  const allOn = rows.length > 0 && rows.every(isChosen);
  const picks = [
    'check',
    html`<${Pick} label=${t('choosePage')} words=${t('choosePage')} on=${allOn} turn=${() => choose(rows, !allOn)} />`,
    (bike) =>
      html`<${Pick}
        label=${t('chooseBike', bike.bikeid)}
        on=${isChosen(bike)}
        turn=${() => choose([bike], !isChosen(bike))}
      />`,
  ];
  const start = async (given) => {
    const { act, bikes } = asked;
    setChosen(NONE);
    begin(act, bikes, given, list.again);
  };
  const add = html`<a class="small-button" href="#/add"><${Icon} name="plus" />${t('add')}</a>`;
  const table = { what: t('bikes'), columns: columns(picks), rowKey: ({ bikeid }) => bikeid, more: 'picks' };
  const toChoose = {
    list,
    chosen,
    setChosen,
    all: allOn,
    ask: (act) => setAsked({ act, bikes: [...chosen.values()] }),
  };
  const question = asked && questionOf(asked.act, whomOf(asked.bikes));
  return html`<${Page} title=${t('bikes')} beside=${add}>
    <${BulkPanel} />
    <${ServerList} list=${list} ...${table} icon="bike" empty=${t('noBikes')} hint=${t('noBikesHint')}>
      ${chosen.size > 0 && html`<${Chosen} ...${toChoose} />`}
    <//>
    ${asked && html`<${ReasonDialog} ...${question} work=${start} close=${() => setAsked(null)} />`}
  <//>`;
}

// How the bikes that were chosen are called: by their numbers, as far as anybody reads them.
function whomOf(bikes) {
  if (bikes.length === 1) return t('number', bikes[0].bikeid);
  const some = bikes.slice(0, NAMED).map(({ bikeid }) => bikeid);
  return t('bikesNamed', some.join(', '), many(bikes.length), bikes.length > NAMED);
}

function Chosen({ list: { found, asked, filters }, chosen, setChosen, all, ask: askFor }) {
  const [busy, setBusy] = useState(false);
  const total = Math.min(found?.total ?? 0, MOST);
  const isMore = all && total > chosen.size;
  const chooseAll = async () => {
    setBusy(true);
    try {
      const some = [];
      for (let page = 1; some.length < total && (page - 1) * PAGE < MOST; page += 1) {
        const answer = await ask('GET', pageOf('/bikes', { ...asked, page }, filters, {}, PAGE));
        some.push(...(answer._embedded?.bikes ?? []));
      }
      setChosen(new Map(some.slice(0, MOST).map((bike) => [bike.bikeid, bike])));
    } catch {
      announce(t('failedHint'));
    }
    setBusy(false);
  };
  const act = (name) =>
    html`<button key=${name} class="small-button" type="button" disabled=${isRunning()} onClick=${() => askFor(name)}>
      <${Icon} name=${ACTS[name].icon} />${t(`act_${name}`)}
    </button>`;
  return html`<div class="card chosen-bikes" role="group" aria-label=${t('chosenOf', many(chosen.size))}>
    <p class="line">
      <strong role="status">${t('chosenOf', many(chosen.size))}</strong>
      ${
        isMore &&
        html`<button class="link" type="button" aria-disabled=${busy ? 'true' : undefined} onClick=${chooseAll}>
          ${busy ? t('loading') : t('chooseAll', many(total))}
        </button>`
      }
      <button class="link" type="button" onClick=${() => setChosen(NONE)}>${t('chooseNone')}</button>
    </p>
    <p class="line">
      ${Object.keys(ACTS).map(act)}
      <a class="small-button" href=${address('/signs', { bikes: [...chosen.keys()].join('.') })}>
        <${Icon} name="scan" />${t('printSigns')}
      </a>
    </p>
  </div>`;
}
