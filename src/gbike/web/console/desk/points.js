// One of the field staff: their points, what each was for, and a correction by hand.
import { ask } from '../../shared/api.js';
import { html, useRead } from '../../shared/lib.js';
import { Facts, Loaded, Notice, Page } from '../../shared/parts.js';
import { many, t } from '../../shared/text.js';
import { useFresh } from '../fresh.js';
import { Rider } from '../parts.js';
import { ServerList, useServerList } from '../serverlist.js';
import { Act, Acts } from './acts.js';
import { during, Moment } from './links.js';
import { pointsOf } from './people.js';
import { Cause, Moved } from './rider.js';

export function PointsPage({ managerid }) {
  const manager = useRead(() => ask('GET', `/bikeManagers/${managerid}`), [managerid]);
  useFresh(manager.again);
  const way = { text: t('people'), href: '#/people?show=managers' };
  return html`<${Page} title=${t('managerNo', managerid)} back="#/people?show=managers">
    ${
      !manager.found && manager.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('noManager', managerid)} way=${way} />`
        : html`<${Loaded} of=${manager} rows=${5}>
            ${(found) => html`<${Known} manager=${found} again=${manager.again} />`}
          <//>`
    }
  <//>`;
}

function Known({ manager: { managerid, userid, point }, again }) {
  const rows = [
    [t('points'), html`<strong class="sum">${pointsOf(point)}</strong>`],
    [t('account'), html`<${Rider} userid=${userid} />`],
  ];
  return html`<section class="card" aria-label=${t('managerNo', managerid)}>
      <${Facts} rows=${rows} />
      <${Acts}><${Correct} managerid=${managerid} point=${point} again=${again} /><//>
    </section>
    <h2>${t('pointsMoved')}</h2>
    <${Entries} managerid=${managerid} point=${point} />`;
}

const correcting = (managerid, body, key) => ask('POST', `/bikeManagers/${managerid}/corrections`, { body, key });

function Correct({ managerid, point, again }) {
  const correct = async (body, key) => {
    const now = await correcting(managerid, body, key);
    const back = (reason, other) => correcting(managerid, { amount: -body.amount, reason }, other);
    return { text: t('pointsNow', pointsOf(now.point)), back };
  };
  const amount = { name: 'amount', kind: 'amount', required: true, least: -point, label: t('difference') };
  return html`<${Act} label=${t('correctPoints')} title=${t('correctPointsOf', managerid, many(point))} work=${correct}
    fields=${[{ ...amount, hint: t('pointsHint') }]} then=${again} />`;
}

function Entries({ managerid, point }) {
  const columns = [
    ['number', t('entryName'), ({ entryid }) => entryid],
    ['status', t('what'), ({ cause }) => html`<${Cause} cause=${cause} />`],
    ['battery', t('amount'), ({ amount }) => html`<${Moved} amount=${amount} shown=${pointsOf} />`],
    ['seen', t('when'), ({ at }) => html`<${Moment} at=${at} />`],
  ];
  const path = `/bikeManagers/${managerid}/entries`;
  const list = useServerList({ path, name: 'entries', filters: during(), on: [point] });
  return html`<${ServerList} list=${list} what=${t('pointsMoved')} columns=${columns} rowKey=${({ entryid }) => entryid}
    icon="wallet" empty=${t('noEntries')} hint=${t('noPointsHint')} />`;
}
