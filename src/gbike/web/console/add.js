// New bikes: one, or a file of them, which is first looked through row by row and then sent row by row.
import { ask, NoAnswer, newKey, Problem } from '../shared/api.js';
import { given, html, useEffect, useRef, useSend, useState } from '../shared/lib.js';
import { Big, Field, Icon, Notice, Page } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { many, place, t } from '../shared/text.js';
import { dryRun, MOST_BYTES } from './csv.js';
import { readBikes } from './fleet.js';
import { useFleet } from './fleetpage.js';
import { begin, carryOn, forget, isOver, lastImport } from './importing.js';
import { Chips, Figure, Table } from './parts.js';

const SAMPLE = '번호,위치,배터리,위도,경도\n2001,"분당 정자역, 1구역",100,37.3670,127.1083';

export function AddPage() {
  const { found: fleet } = useFleet();
  return html`<${Page} title=${t('add')} back="#/">
    <div class="columns">
      <${One} />
      <${Many} fleet=${fleet} />
    </div>
  <//>`;
}

const COLUMNS = ['bikeid', 'location', 'batterylevel', 'lat', 'lon'];
const quote = (text = '') => `"${text.trim().replaceAll('"', '""')}"`;

// What was typed is looked through as a file of one line is.
const typed = (fields) => `${COLUMNS.join(',')}\n${COLUMNS.map((name) => quote(fields[name])).join(',')}`;

function One() {
  const [added, setAdded] = useState(null);
  const last = useRef({});
  const work = async (event) => {
    const form = event.target;
    const text = typed(given(event));
    const [row] = dryRun(text, () => false).rows;
    setAdded(null);
    if (row.problems.length) throw new Problem(422, { detail: row.problems.map((problem) => t(problem)).join(' ') });
    if (last.current.text !== text) last.current = { text, key: newKey() }; // the same bike sent again is the same wish
    const { bikeid } = await ask('POST', '/bikes', { body: row.bike, key: last.current.key });
    setAdded({ tone: 'good', text: t('added', bikeid), way: { text: t('number', bikeid), href: `#/bike/${bikeid}` } });
    last.current = {};
    form.reset();
    readBikes().catch(() => {});
  };
  const say = (failed) => {
    if (failed instanceof NoAnswer) return { tone: 'warn', text: t('noAnswer') };
    const until = failed.retryAfterS && Date.now() + failed.retryAfterS * 1000;
    return { tone: 'bad', text: failed.facts?.detail ?? t('sorry'), until };
  };
  const { busy, refusal, send } = useSend(work, say);
  const notice = refusal ?? added;
  const digits = { inputmode: 'numeric', autocomplete: 'off' };
  const degrees = { inputmode: 'decimal', autocomplete: 'off', maxlength: 20 };
  return html`<form class="card" onSubmit=${send} novalidate aria-label=${t('addOne')}>
    <h2>${t('addOne')}</h2>
    ${notice && html`<${Notice} ...${notice} />`}
    <${Field} id="bikeid" label=${t('bikeNumber')} maxlength="16" ...${digits} />
    <${Field} id="location" label=${t('where')} autocomplete="off" maxlength="255" />
    <${Field} id="batterylevel" label=${t('batteryPercent')} maxlength="3" ...${digits} />
    <div class="pair">
      <${Field} id="lat" label=${t('lat')} ...${degrees} />
      <${Field} id="lon" label=${t('lon')} ...${degrees} />
    </div>
    <${Big} type="submit" kind="quiet" label=${t('addOne')} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}

function Many({ fleet }) {
  const { importing } = useStore();
  const [file, setFile] = useState(null);
  const job = importing ?? lastImport();
  const read = async (event) => {
    const [one] = event.target.files;
    event.target.value = '';
    if (!one) return;
    if (one.size > MOST_BYTES) setFile({ name: one.name, problem: 'longFile' });
    else setFile({ name: one.name, text: await one.text() });
  };
  if (job) return html`<${Progress} job=${job} />`;
  const run = file?.text !== undefined && fleet ? dryRun(file.text, (bikeid) => fleet.has(bikeid)) : file;
  return html`<section class="card" aria-label=${t('addMany')}>
    <h2>${t('addMany')}</h2>
    <p class="soft">${t('csvHint')}</p>
    <pre class="sample" lang="ko" tabindex="0" role="region" aria-label=${t('sample')}>${SAMPLE}</pre>
    <label class="big quiet file">
      <${Icon} name="list" /><span>${t(file ? 'otherFile' : 'chooseFile')}</span>
      <input type="file" accept=".csv,.tsv,.txt,text/csv" onChange=${read} />
    </label>
    ${run?.problem && html`<${Notice} tone="bad" text=${`${file.name}: ${t(run.problem)}`} />`}
    ${run?.rows && html`<${Preview} name=${file.name} run=${run} />`}
  </section>`;
}

function Preview({ name, run }) {
  const good = run.rows.filter((row) => !row.problems.length);
  const bad = run.rows.length - good.length;
  const where = ({ bike, sent }) => html`<span class="cut">${bike.location ? place(bike.location) : sent}</span>`;
  const columns = [
    ['number', t('line'), (row) => row.line],
    ['status', t('bikeName'), (row) => html`<strong>${row.bike.bikeid ?? '–'}</strong>`],
    ['place', t('where'), where],
    ['ride', t('check'), (row) => html`<${Verdict} problems=${row.problems} />`],
  ];
  const missing = run.missing.map((field) => t(`column_${field}`)).join(', ');
  const table = { columns, rows: run.rows, rowKey: (row) => row.line };
  const options = [
    ['', t('all')],
    ['bad', t('badRows')],
    ['good', t('goodRows')],
  ];
  const send = () => begin(good.map((row) => row.bike));
  return html`<p role="status"><strong>${name}</strong></p>
    <dl class="figures">
      <${Figure} name=${t('goodRows')} value=${many(good.length)} tone="free" icon="check" />
      <${Figure} name=${t('badRows')} value=${many(bad)} tone=${bad ? 'late' : ''} icon="alert" />
    </dl>
    ${missing && html`<${Notice} tone="calm" text=${t('missing', missing)} />`}
    <${Rows} label=${t('dryRun')} ...${table} isBad=${(row) => row.problems.length > 0} options=${options} />
    ${
      good.length > 0
        ? html`<${Big} label=${t('importRows', good.length)} onClick=${send} />`
        : html`<${Notice} tone="bad" text=${t('nothingGood')} />`
    }
    ${good.length > 0 && bad > 0 && html`<p class="soft">${t('badStay')}</p>`}`;
}

// All of them, or only those that are bad or good, once some are bad.
function Rows({ rows, isBad, options, ...table }) {
  const [show, setShow] = useState('');
  const some = rows.filter((row) => !show || (show === 'bad') === isBad(row));
  return html`${
    rows.some(isBad) && html`<${Chips} label=${t('filters')} options=${options} chosen=${show} onChoose=${setShow} />`
  }
    <${Table} rows=${some} ...${table} />`;
}

const Verdict = ({ problems }) =>
  problems.length
    ? html`<span class="verdict bad"><${Icon} name="alert" />${problems.map((problem) => t(problem)).join(' ')}</span>`
    : html`<span class="verdict"><${Icon} name="check" />${t('good')}</span>`;

const isRefused = ({ outcome }) => Boolean(outcome && !outcome.done);

function Progress({ job }) {
  const { pausedUntil } = useStore();
  const over = isOver(job);
  const done = job.rows.filter((row) => row.outcome?.done).length;
  const refused = job.rows.filter(isRefused).length;
  useEffect(() => {
    if (over) readBikes().catch(() => {});
    else carryOn();
  }, [over]);
  const number = ({ bike: { bikeid }, outcome }) =>
    outcome?.done ? html`<a class="link" href="#/bike/${bikeid}">${bikeid}</a>` : html`<strong>${bikeid}</strong>`;
  const columns = [
    ['status', t('bikeName'), number],
    ['place', t('where'), (row) => html`<span class="cut">${place(row.bike.location)}</span>`],
    ['ride', t('outcome'), (row) => html`<${Outcome} of=${row.outcome} />`],
  ];
  const table = { columns, rows: job.rows, rowKey: (row) => row.bike.bikeid };
  const options = [
    ['', t('all')],
    ['bad', t('refused')],
  ];
  const held = !over && pausedUntil > Date.now();
  return html`<section class="card" aria-label=${t('addMany')}>
    <h2>${t(over ? 'importOver' : 'importing')}</h2>
    <progress class="progress" max=${job.rows.length} value=${done + refused} aria-label=${t('importing')} />
    <p role="status" class="tally">${t('tally', done, refused, job.rows.length)}</p>
    ${held && html`<${Notice} tone="warn" text=${t('slowly')} until=${pausedUntil} />`}
    ${!over && html`<p class="soft">${t('stay')}</p>`}
    <${Rows} label=${t('outcome')} ...${table} isBad=${isRefused} options=${options} />
    ${
      over &&
      html`<${Big} href="#/" label=${t('seeThem')} />
        <${Big} kind="quiet" label=${t('anotherFile')} onClick=${forget} />`
    }
  </section>`;
}

function Outcome({ of }) {
  if (!of) return html`<span class="soft">${t('toCome')}</span>`;
  if (of.done) return html`<span class="verdict"><${Icon} name="check" />${t('addedShort')}</span>`;
  const words = of.said === 'noAnswer' ? t('noAnswer') : of.said;
  return html`<span class="verdict bad"><${Icon} name="alert" />${words}</span>`;
}
