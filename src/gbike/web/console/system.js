// How the services are: their health, what they have not handled yet, their breakers; from /health and /metrics.
import { ask, askText } from '../shared/api.js';
import { html, useEffect, useRead } from '../shared/lib.js';
import { Icon, Loaded, Notice, Page } from '../shared/parts.js';
import { many, t, won } from '../shared/text.js';
import { samples, sum } from './metrics.js';
import { Figure, Named, Table } from './parts.js';

const FRESH_MS = 10_000;
const LINGERS = 1000; // events that wait and are nothing to be told of

async function read() {
  const isUp = ask('GET', '/health/ready', { anybody: true }).then(Boolean, () => false);
  const none = (failed) => (failed.status === 404 ? null : Promise.reject(failed));
  return { up: await isUp, figures: await askText('/metrics').then(samples, none) };
}

export function SystemPage() {
  const known = useRead(read, []);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || known.again(), FRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const elsewhere = html`<${Notice} tone="calm" text=${t('figuresElsewhere')} />`;
  const shown = known.failed ? { ...known, found: null } : known; // old figures help nobody
  return html`<${Page} title=${t('system')}>
    <${Loaded} of=${shown} rows=${5}>
      ${({ up, figures }) => html`<${Notice} tone=${up ? 'good' : 'bad'} text=${t(up ? 'allUp' : 'notReady')} />
        ${figures ? html`<${Figures} of=${figures} />` : elsewhere}`}
    <//>
  <//>`;
}

function Figures({ of }) {
  const services = of.filter(({ name }) => name === 'gbike_outbox_waiting').map(({ labels }) => labels.service);
  const rows = services.map((service) => {
    const its = { service: (name) => name === service };
    return {
      service,
      asked: sum(of, 'gbike_requests_total', its),
      failed: sum(of, 'gbike_requests_total', { ...its, status: (status) => status >= '500' }),
      lag: sum(of, 'gbike_consumer_lag', its),
      waiting: sum(of, 'gbike_outbox_waiting', its),
      dead: sum(of, 'gbike_dead_letters_waiting', its),
    };
  });
  const dead = sum(of, 'gbike_dead_letters_waiting');
  const drift = sum(of, 'gbike_ledger_drift_krw');
  const lag = rows.reduce((all, row) => all + row.lag, 0);
  const breakers = of.filter(({ name }) => name === 'gbike_breaker_state');
  return html`<dl class="figures">
      <${Figure} name=${t('deadLetters')} value=${many(dead)} icon="alert" tone=${dead ? 'late' : ''} />
      <${Figure} name=${t('drift')} value=${won(drift)} icon="wallet" tone=${drift ? 'late' : ''} />
      <${Figure} name=${t('lag')} value=${many(lag)} icon="clock" />
    </dl>
    ${dead > 0 && html`<${Notice} tone="warn" text=${t('deadSay')} />`}
    <h2>${t('services')}</h2>
    <${Table} label=${t('services')} columns=${columns()} rows=${rows} rowKey=${({ service }) => service} />
    <h2>${t('breakers')}</h2>
    <ul class="card lines breakers">
      ${breakers.map(
        ({ labels, value }) =>
          html`<li key=${labels.service + labels.call}><${Breaker} ...${labels} value=${value} /></li>`,
      )}
      ${!breakers.length && html`<li>${t('noBreakers')}</li>`}
    </ul>`;
}

function columns() {
  const figure = (label, words) => [t(label), (row) => html`<${Named} name=${t(label)}>${words(row)}<//>`];
  return [
    ['number', t('service'), ({ service }) => html`<strong>${t(`service_${service}`) ?? service}</strong>`],
    ['status', t('state'), ({ dead, lag }) => html`<${State} is=${stateOf(dead, lag)} />`],
    ['battery', ...figure('lag', ({ lag }) => many(lag))],
    ['place', ...figure('outbox', ({ waiting }) => many(waiting))],
    ['ride', ...figure('deadLetters', ({ dead }) => many(dead))],
    ['seen', ...figure('requests', ({ asked, failed }) => t('ofThem', many(asked), many(failed)))],
  ];
}

function stateOf(dead, lag) {
  if (dead) return ['late', 'alert', 'needsLook'];
  return lag > LINGERS ? ['broken', 'clock', 'behind'] : ['free', 'check', 'well'];
}

const State = ({ is: [tone, icon, word] }) =>
  html`<span class="status ${tone}"><${Icon} name=${icon} />${t(word)}</span>`;

function Breaker({ service, call, value }) {
  const open = ['late', 'alert', 'isOpen'];
  const is =
    [
      ['free', 'check', 'closed'],
      ['broken', 'clock', 'halfOpen'],
    ][value] ?? open;
  return html`<span class="grow">${t(`service_${service}`) ?? service} → ${call}</span><${State} is=${is} />`;
}
