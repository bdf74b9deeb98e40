// How the services are: their health, what they have not handled yet, their breakers; from /health and /metrics.
import { ask, askText } from '../api.js';
import { html, useEffect, useState } from '../lib.js';
import { Failed, Icon, Loading, Notice, Top } from '../parts.js';
import { t, won } from '../text.js';
import { Figure, Table } from './parts.js';
import { many } from './words.js';

const FRESH_MS = 10_000;
const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const LINGERS = 1000; // events that wait and are nothing to be told of

// Prometheus' text: [{ name, labels, value }].
export function samples(text) {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    return name ? [{ name, labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, of]) => [key, of])), value: Number(value) }] : [];
  });
}

async function read() {
  const up = await ask('GET', '/health/ready', { anybody: true }).then(() => true, () => false);
  const figures = await askText('/metrics').then(samples, (failed) => (failed.status === 404 ? null : Promise.reject(failed)));
  return { up, figures };
}

export function SystemPage() {
  const [[known, failed], know] = useState([null, null]);
  const look = () => read().then((found) => know([found, null]), (why) => know([null, why]));
  useEffect(() => {
    look();
    const timer = setInterval(() => document.hidden || look(), FRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<section class="page">
    <${Top} title=${t('system')} />
    ${!known && !failed && html`<${Loading} rows=${5} />`}
    ${!known && failed && html`<${Failed} again=${look} />`}
    ${known && html`<${Notice} tone=${known.up ? 'good' : 'bad'} text=${t(known.up ? 'allUp' : 'notReady')} />`}
    ${known && !known.figures && html`<${Notice} tone="calm" text=${t('figuresElsewhere')} />`}
    ${known?.figures && html`<${Figures} of=${known.figures} />`}
  </section>`;
}

function Figures({ of }) {
  const sum = (name, wanted = {}) =>
    of.filter((one) => one.name === name && Object.entries(wanted).every(([label, value]) => value(one.labels[label]))).reduce((all, one) => all + one.value, 0);
  const at = (service) => ({ service: (name) => name === service });
  const dead = sum('gbike_dead_letters_waiting');
  const drift = sum('gbike_ledger_drift_krw');
  const services = of.filter((one) => one.name === 'gbike_outbox_waiting').map((one) => one.labels.service); // each has an outbox
  const rows = services.map((service) => ({
    service,
    asked: sum('gbike_requests_total', at(service)),
    failed: sum('gbike_requests_total', { ...at(service), status: (status) => status >= '500' }),
    lag: sum('gbike_consumer_lag', at(service)),
    waiting: sum('gbike_outbox_waiting', at(service)),
    dead: sum('gbike_dead_letters_waiting', at(service)),
  }));
  const breakers = of.filter(({ name }) => name === 'gbike_breaker_state');
  return html`<dl class="figures">
      <${Figure} name=${t('deadLetters')} value=${many(dead)} icon="alert" tone=${dead ? 'late' : ''} />
      <${Figure} name=${t('drift')} value=${won(drift)} icon="wallet" tone=${drift ? 'late' : ''} />
      <${Figure} name=${t('lag')} value=${many(rows.reduce((all, row) => all + row.lag, 0))} icon="clock" />
    </dl>
    ${dead > 0 && html`<${Notice} tone="warn" text=${t('deadSay')} />`}
    <h2>${t('services')}</h2>
    <${Table} label=${t('services')} columns=${COLUMNS()} rows=${rows} rowKey=${(row) => row.service} />
    <h2>${t('breakers')}</h2>
    <ul class="card lines breakers">
      ${breakers.map(({ labels, value }) => html`<li key=${labels.service + labels.call}><${Breaker} ...${labels} value=${value} /></li>`)}
      ${!breakers.length && html`<li>${t('noBreakers')}</li>`}
    </ul>`;
}

const COLUMNS = () => [
  ['number', t('service'), (row) => html`<strong>${t(`service_${row.service}`) ?? row.service}</strong>`],
  ['status', t('state'), (row) => html`<span class="status ${row.dead ? 'late' : row.lag > LINGERS ? 'broken' : 'free'}"><${Icon} name=${row.dead ? 'alert' : row.lag > LINGERS ? 'clock' : 'check'} />${t(row.dead ? 'needsLook' : row.lag > LINGERS ? 'behind' : 'well')}</span>`],
  ['battery', t('lag'), (row) => html`<span class="named" data-name=${t('lag')}>${many(row.lag)}</span>`],
  ['place', t('outbox'), (row) => html`<span class="named" data-name=${t('outbox')}>${many(row.waiting)}</span>`],
  ['ride', t('deadLetters'), (row) => html`<span class="named" data-name=${t('deadLetters')}>${many(row.dead)}</span>`],
  ['seen', t('requests'), (row) => html`<span class="named" data-name=${t('requests')}>${t('ofThem', many(row.asked), many(row.failed))}</span>`],
];

function Breaker({ service, call, value }) {
  const [word, tone, icon] = [['closed', 'free', 'check'], ['halfOpen', 'broken', 'clock'], ['isOpen', 'late', 'alert']][value] ?? ['isOpen', 'late', 'alert'];
  return html`<span class="grow">${t(`service_${service}`) ?? service} → ${call}</span><span class="status ${tone}"><${Icon} name=${icon} />${t(word)}</span>`;
}
