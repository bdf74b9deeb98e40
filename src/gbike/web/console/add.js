// New bikes: one, or a file of them, which is first looked through row by row and then sent row by row.
import { ask, NoAnswer } from '../api.js';
import { html, useEffect, useRef, useState } from '../lib.js';
import { Big, Field, Icon, Notice, Top } from '../parts.js';
import { useStore } from '../store.js';
import { newKey } from '../taps.js';
import { place, t } from '../text.js';
import { dryRun, MOST_BYTES } from './csv.js';
import { readBikes } from './fleet.js';
import { useFleet } from './fleetpage.js';
import { begin, carryOn, forget, isOver, lastImport } from './importing.js';
import { Chips, Figure, Table } from './parts.js';
import { many } from './words.js';

export function AddPage() {
  const { fleet } = useFleet();
  return html`<section class="page">
    <${Top} title=${t('add')} back="#/" />
    <div class="columns">
      <${One} />
      <${Many} fleet=${fleet} />
    </div>
  </section>`;
}

function One() {
  const [told, tell] = useState(null);
  const [busy, wait] = useState(false);
  const form = useRef(null);
  const key = useRef(null);
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    const given = Object.fromEntries(new FormData(event.target));
    const line = ['bikeid', 'location', 'batterylevel', 'lat', 'lon'];
    const quoted = line.map((name) => `"${(given[name] ?? '').trim().replaceAll('"', '""')}"`).join(',');
    const [row] = dryRun(`${line.join(',')}\n${quoted}`, () => false).rows;
    if (row.problems.length) return tell({ tone: 'bad', text: row.problems.map((problem) => t(problem)).join(' ') });
    wait(true);
    const same = key.current?.[1] === quoted ? key.current : [newKey(), quoted];
    key.current = same; // the same bike sent again is the same wish
    try {
      const bike = await ask('POST', '/bikes', { body: row.bike, key: same[0] });
      tell({ tone: 'good', text: t('added', bike.bikeid), way: { text: t('number', bike.bikeid), href: `#/bike/${bike.bikeid}` } });
      key.current = null;
      form.current.reset();
      readBikes().catch(() => {});
    } catch (failed) {
      tell(failed instanceof NoAnswer ? { tone: 'warn', text: t('noAnswer') } : { tone: 'bad', text: failed.facts?.detail ?? t('sorry'), until: failed.retryAfterS && Date.now() + failed.retryAfterS * 1000 });
    }
    wait(false);
  };
  return html`<form class="card" ref=${form} onSubmit=${send} novalidate aria-label=${t('addOne')}>
    <h2>${t('addOne')}</h2>
    ${told && html`<${Notice} ...${told} />`}
    <${Field} id="bikeid" label=${t('bikeNumber')} inputmode="numeric" autocomplete="off" maxlength="16" />
    <${Field} id="location" label=${t('where')} autocomplete="off" maxlength="255" />
    <${Field} id="batterylevel" label=${t('batteryPercent')} inputmode="numeric" autocomplete="off" maxlength="3" />
    <div class="pair">
      <${Field} id="lat" label=${t('lat')} inputmode="decimal" autocomplete="off" maxlength="20" />
      <${Field} id="lon" label=${t('lon')} inputmode="decimal" autocomplete="off" maxlength="20" />
    </div>
    <${Big} type="submit" kind="quiet" label=${t('addOne')} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}

function Many({ fleet }) {
  const { importing } = useStore();
  const [file, choose] = useState(null);
  const job = importing ?? lastImport();
  const read = async (event) => {
    const [one] = event.target.files;
    event.target.value = '';
    if (!one) return;
    if (one.size > MOST_BYTES) choose({ name: one.name, problem: 'longFile' });
    else choose({ name: one.name, text: await one.text() });
  };
  if (job) return html`<${Progress} job=${job} />`;
  const run = file?.text !== undefined && fleet ? dryRun(file.text, (bikeid) => fleet.has(bikeid)) : file;
  return html`<section class="card" aria-label=${t('addMany')}>
    <h2>${t('addMany')}</h2>
    <p class="soft">${t('csvHint')}</p>
    <pre class="sample" lang="ko" tabindex="0" role="region" aria-label=${t('sample')}>번호,위치,배터리,위도,경도
2001,"분당 정자역, 1구역",100,37.3670,127.1083</pre>
    <label class="big quiet file">
      <${Icon} name="list" /><span>${t(file ? 'otherFile' : 'chooseFile')}</span>
      <input type="file" accept=".csv,.tsv,.txt,text/csv" onChange=${read} />
    </label>
    ${run?.problem && html`<${Notice} tone="bad" text=${`${file.name}: ${t(run.problem)}`} />`}
    ${run?.rows && html`<${Preview} name=${file.name} run=${run} />`}
  </section>`;
}

function Preview({ name, run }) {
  const [show, narrow] = useState('');
  const good = run.rows.filter((row) => !row.problems.length);
  const bad = run.rows.length - good.length;
  const rows = run.rows.filter((row) => !show || (show === 'bad') === row.problems.length > 0);
  const columns = [
    ['number', t('line'), (row) => row.line],
    ['status', t('bikeName'), (row) => html`<strong>${row.bike.bikeid ?? '–'}</strong>`],
    ['place', t('where'), (row) => html`<span class="cut">${row.bike.location ? place(row.bike.location) : row.sent}</span>`],
    ['ride', t('check'), (row) => html`<${Verdict} problems=${row.problems} />`],
  ];
  return html`<p role="status"><strong>${name}</strong></p>
    <dl class="figures"><${Figure} name=${t('goodRows')} value=${many(good.length)} tone="free" icon="check" /><${Figure} name=${t('badRows')} value=${many(bad)} tone=${bad ? 'late' : ''} icon="alert" /></dl>
    ${run.missing.length > 0 && html`<${Notice} tone="calm" text=${t('missing', run.missing.map((field) => t(`column_${field}`)).join(', '))} />`}
    ${bad > 0 && html`<${Chips} label=${t('filters')} options=${[['', t('all')], ['bad', t('badRows')], ['good', t('goodRows')]]} chosen=${show} onChoose=${narrow} />`}
    <${Table} label=${t('dryRun')} columns=${columns} rows=${rows} rowKey=${(row) => row.line} />
    ${good.length > 0 ? html`<${Big} label=${t('importRows', good.length)} onClick=${() => begin(good.map((row) => row.bike))} />` : html`<${Notice} tone="bad" text=${t('nothingGood')} />`}
    ${good.length > 0 && bad > 0 && html`<p class="soft">${t('badStay')}</p>`}`;
}

const Verdict = ({ problems }) =>
  problems.length
    ? html`<span class="verdict bad"><${Icon} name="alert" />${problems.map((problem) => t(problem)).join(' ')}</span>`
    : html`<span class="verdict"><${Icon} name="check" />${t('good')}</span>`;

function Progress({ job }) {
  const { pausedUntil } = useStore();
  const over = isOver(job);
  const done = job.rows.filter((row) => row.outcome?.done).length;
  const refused = job.rows.filter((row) => row.outcome && !row.outcome.done).length;
  const [show, narrow] = useState('');
  useEffect(() => {
    if (over) readBikes().catch(() => {});
    else carryOn();
  }, [over]);
  const rows = job.rows.filter((row) => !show || (row.outcome && !row.outcome.done));
  const columns = [
    ['status', t('bikeName'), (row) => (row.outcome?.done ? html`<a class="link" href="#/bike/${row.bike.bikeid}">${row.bike.bikeid}</a>` : html`<strong>${row.bike.bikeid}</strong>`)],
    ['place', t('where'), (row) => html`<span class="cut">${place(row.bike.location)}</span>`],
    ['ride', t('outcome'), (row) => html`<${Outcome} of=${row.outcome} />`],
  ];
  return html`<section class="card" aria-label=${t('addMany')}>
    <h2>${t(over ? 'importOver' : 'importing')}</h2>
    <progress class="progress" max=${job.rows.length} value=${done + refused} aria-label=${t('importing')} />
    <p role="status" class="tally">${t('tally', done, refused, job.rows.length)}</p>
    ${!over && pausedUntil > Date.now() && html`<${Notice} tone="warn" text=${t('slowly')} until=${pausedUntil} />`}
    ${!over && html`<p class="soft">${t('stay')}</p>`}
    ${refused > 0 && html`<${Chips} label=${t('filters')} options=${[['', t('all')], ['bad', t('refused')]]} chosen=${show} onChoose=${narrow} />`}
    <${Table} label=${t('outcome')} columns=${columns} rows=${rows} rowKey=${(row) => row.bike.bikeid} />
    ${over && html`<${Big} href="#/" label=${t('seeThem')} /><${Big} kind="quiet" label=${t('anotherFile')} onClick=${forget} />`}
  </section>`;
}

function Outcome({ of }) {
  if (!of) return html`<span class="soft">${t('toCome')}</span>`;
  if (of.done) return html`<span class="verdict"><${Icon} name="check" />${t('addedShort')}</span>`;
  return html`<span class="verdict bad"><${Icon} name="alert" />${of.said === 'noAnswer' ? t('noAnswer') : of.said}</span>`;
}
