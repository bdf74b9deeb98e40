// How far an act on many bikes is: it goes on while other pages are looked at, can be stopped, and can be undone.
import { newKey } from '../shared/api.js';
import { html } from '../shared/lib.js';
import { Notice } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { set, useStore } from '../shared/state.js';
import { many, t } from '../shared/text.js';
import { ACTS } from './bikeacts.js';
import { onAll } from './bulk.js';

const MOST_SHOWN = 50; // of those refused
let job = null;

const show = (change) => {
  job = change && { ...job, ...change };
  set({});
};
const stay = (event) => event.preventDefault();

export const isRunning = () => job !== null && !job.over;

// `bikes`: all of them as they were before; `then`: when it is over.
export async function begin(act, bikes, given, then = () => {}) {
  const sends = (bike) => ACTS[act].send(bike, given, bike.key);
  await run({ act, title: t(`doing_${act}`), undoes: false }, bikes, sends, given.reason, then);
}

async function undo({ act, done, reason }, then) {
  const why = t('undoneWhy', reason).slice(0, 255);
  const sends = (bike) => ACTS[act].back(bike, why, bike.key);
  await run({ act, title: t('undoing'), undoes: true }, done, sends, why, then);
}

async function run(about, bikes, sends, reason, then) {
  if (isRunning()) return;
  addEventListener('beforeunload', stay);
  const keyed = bikes.map((bike) => ({ ...bike, key: newKey() }));
  show({ ...about, reason, all: bikes.length, done: [], refused: [], left: [], over: false, stopped: false, then });
  const told = ({ done, refused }) => show({ done: [...done], refused: [...refused] });
  const end = await onAll(keyed, sends, { told, isStopped: () => job.stopped });
  removeEventListener('beforeunload', stay);
  show({ ...end, over: true });
  then();
}

export function BulkPanel() {
  useStore();
  if (!job) return null;
  const { act, all, done, refused, left, over, undoes, then } = job;
  const title = over ? t(undoes ? 'undo' : `act_${act}`) : job.title;
  const sum = t('bulkSum', many(done.length), many(all), many(refused.length), many(left.length));
  const button = (words, run) => html`<button class="small-button" type="button" onClick=${run}>${words}</button>`;
  return html`<section class="card bulk" aria-label=${title}>
    <p><strong>${title}</strong></p>
    <progress class="progress" max=${all} value=${done.length + refused.length} aria-label=${title}></progress>
    <p class="tally" role="status">${sum}</p>
    ${refused.length > 0 && html`<${Refused} refused=${refused} />`}
    <p class="line">
      ${!over && button(t('stop'), () => show({ stopped: true }))}
      ${over && !undoes && done.length > 0 && button(t('undo'), () => undo({ act, done, reason: job.reason }, then))}
      ${over && button(t('close'), () => show(null))}
    </p>
  </section>`;
}

function Refused({ refused }) {
  const why = ({ item, failed }) => html`<li key=${item.bikeid}>
    <a class="link" href="#/bike/${item.bikeid}">${t('number', item.bikeid)}</a>
    <span class="grow">${said(failed, 'act', { body: item }).text}</span>
  </li>`;
  const rest = refused.length - MOST_SHOWN;
  return html`<${Notice} tone="warn" text=${t('refusedOf', many(refused.length))} />
    <ul class="listed refused-list">${refused.slice(0, MOST_SHOWN).map(why)}</ul>
    ${rest > 0 && html`<p class="soft">${t('moreRefused', many(rest))}</p>`}`;
}
