// A file of bikes at the service: what it was read as, what each row would do or did. Nothing of it is known only here
// but the file itself, which is sent once more when the rows are to be written.
import { ask, NoAnswer, newKey } from '../shared/api.js';
import { html, useEffect, useKept, useRead, useSend, useState } from '../shared/lib.js';
import { Battery, Big, Choice, Icon, Loaded, Notice, Page } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { set } from '../shared/state.js';
import { language, many, place, t } from '../shared/text.js';
import { page, readBikes } from './fleet.js';
import { columnsOf, isOver, OUTCOMES, verdictOf, writable } from './job.js';
import { Chips, Figure, Table, Turn } from './parts.js';

const MOST_BYTES = 16 * 1024 * 1024;
const POLL_MS = 1_000;
const ROWS = 100; // on a page
const SHOWN = 5; // of the first rows, as they stand in the file
const FIELDS = ['bikeid', 'label', 'location', 'station', 'batterylevel', 'lat', 'lon', 'status'];
const files = new Map(); // by the dry runs that they were sent for
const written = new Map(); // keys of the wishes to write them

export const nameOfImport = ({ name, importid }) => name || t('importNo', importid);
const wordOf = (outcome, dryrun) => t(`${dryrun ? 'would' : 'did'}_${outcome}`);
const at = (importid) => `/bikes/imports/${importid}`;

export const refusedAs = (failed) =>
  failed instanceof NoAnswer ? { tone: 'warn', text: t('noAnswer') } : said(failed, 'act');

// Answers the import that began. `columns`: what each is, by its name; null: as the service knows them.
async function send(file, { dryrun, existing = 'keep', columns = null, key = newKey() }) {
  const said = { dryrun, existing, name: file.name, ...(columns && { columns: JSON.stringify(columns) }) };
  const { importid } = await ask('POST', `/bikes/imports?${new URLSearchParams(said)}`, { file, key });
  if (dryrun) files.set(String(importid), file);
  location.hash = `#/imports/${importid}`;
}

export function ChooseFile({ label, kind = 'primary', ...how }) {
  const {
    busy,
    refusal,
    send: begin,
  } = useSend(async (event) => {
    const [file] = event.target.files;
    event.target.value = '';
    if (file) await send(file, { dryrun: true, ...how });
  }, refusedAs);
  const [large, setLarge] = useState(null);
  const choose = (event) => {
    const [file] = event.target.files;
    const isLarge = file?.size > MOST_BYTES;
    setLarge(isLarge ? file.name : null);
    if (isLarge) event.target.value = '';
    else begin(event);
  };
  const notice = large ? { tone: 'bad', text: `${large}: ${t('longFile')}` } : refusal;
  return html`${notice && html`<${Notice} ...${notice} />`}
    <label class="big ${kind} file" aria-disabled=${busy ? 'true' : undefined}>
      <${Icon} name="list" /><span>${busy ? t('sending') : label}</span>
      <input type="file" accept=".csv,.tsv,.txt,.json,text/csv,application/json" onChange=${choose} />
    </label>`;
}

export function ImportPage({ importid }) {
  const read = useRead(() => ask('GET', at(importid)), [importid]);
  const job = read.found;
  const isGoing = job && !isOver(job);
  useEffect(() => {
    const timer = isGoing && setInterval(() => document.hidden || read.again(), POLL_MS);
    return () => clearInterval(timer);
  }, [isGoing]);
  useEffect(() => {
    if (job?.state === 'done' && !job.dryrun) readBikes().catch(() => {});
    set({}); // the title is known now
  }, [job?.state]);
  const unknown = read.failed?.status === 404;
  return html`<${Page} title=${job ? nameOfImport(job) : t('addMany')} back="#/add" more="imports">
    ${
      unknown
        ? html`<${Notice} tone="bad" text=${t('noImport', importid)} way=${{ text: t('add'), href: '#/add' }} />`
        : html`<${Loaded} of=${read} rows=${5}>
            ${(found) => html`<${found.dryrun ? DryRun : Written} job=${found} />`}
          <//>`
    }
  <//>`;
}

function ReadAs({ job: { encoding, separator, rows } }) {
  const marks = { ',': t('comma'), ';': t('semicolon'), '\t': t('tab') };
  const parts = [encoding.toUpperCase(), separator ? (marks[separator] ?? separator) : 'GBFS', t('rowsOf', rows)];
  return html`<p class="soft" role="status">${parts.join(' · ')}</p>`;
}

// What the file would do; nothing is written. What was changed here is looked through anew before it can be.
function DryRun({ job }) {
  const [columns, setColumns] = useState(columnsOf(job));
  const [existing, setExisting] = useState(job.existing);
  const file = files.get(String(job.importid));
  const isChanged = existing !== job.existing || JSON.stringify(columns) !== JSON.stringify(columnsOf(job));
  const {
    busy,
    refusal,
    send: go,
  } = useSend(async (_event, dryrun) => {
    const key = written.get(job.importid) ?? newKey();
    if (!dryrun) written.set(job.importid, key); // tapped again without an answer it is the same wish
    await send(file, { dryrun, existing, columns, ...(!dryrun && { key }) });
  }, refusedAs);
  const count = writable(job);
  const options = ['keep', 'change'].map((one) => [one, t(`existing_${one}`)]);
  const choice = { name: 'existing', legend: t('existing'), options };
  const button = (label, dryrun) =>
    html`<${Big} label=${label} busyLabel=${t('sending')} busy=${busy} onClick=${(event) => go(event, dryrun)} />`;
  const again = html`<p class="soft">${t('fileGone')}</p>
    <${ChooseFile} label=${t('sameFile')} existing=${existing} columns=${columns} />`;
  return html`<${ReadAs} job=${job} />
    ${job.questions.map((one) => html`<${Asked} key=${one.field} of=${one} />`)}
    <section class="card">
      <h2>${t('firstRows')}</h2>
      <${Sheet} job=${job} columns=${columns} onChange=${setColumns} />
      <${Choice} ...${choice} chosen=${existing} onChoose=${setExisting} />
      ${refusal && html`<${Notice} ...${refusal} />`}
      ${!file && again}
      ${file && isChanged && button(t('checkAgain'), true)}
      ${file && !isChanged && count > 0 && button(t('importRows', count), false)}
      ${file && !isChanged && !count && isOver(job) && html`<${Nothing} job=${job} />`}
    </section>
    <${Outcome} job=${job} />`;
}

const Nothing = ({ job }) =>
  html`<${Notice} tone="bad" text=${t(job.questions.length ? 'answerFirst' : 'nothingGood')} />`;

const Asked = ({ of: { code, field, columns } }) => {
  const words = code === 'two-columns' ? t('twoColumns', t(`field_${field}`), columns.join(', ')) : t('noNumberColumn');
  return html`<${Notice} tone="calm" text=${words} />`;
};

// The file's first rows as they stand in it, and what each column is taken for.
function Sheet({ job, columns, onChange }) {
  const pick = (name) => (event) => onChange({ ...columns, [name]: event.target.value });
  const options = (name) =>
    ['', ...FIELDS].map(
      (field) => html`<option key=${field} value=${field} selected=${field === columns[name]}>
        ${t(field ? `field_${field}` : 'notRead')}
      </option>`,
    );
  const head = ({ name }) => html`<th key=${name} scope="col" class=${columns[name] ? '' : 'unread'}>
    <span>${name}</span>
    <select aria-label=${t('columnIs', name)} value=${columns[name]} onChange=${pick(name)}>${options(name)}</select>
  </th>`;
  const row = ({ line, cells }) => html`<tr key=${line}>
    <th scope="row">${line}</th>
    ${job.columns.map(({ name }, index) => html`<td key=${name}>${cells[index]}</td>`)}
  </tr>`;
  return html`<div class="sheet" tabindex="0" role="region" aria-label=${t('firstRows')}>
    <table>
      <thead><tr><th scope="col">${t('line')}</th>${job.columns.map(head)}</tr></thead>
      <tbody>${job.first.slice(0, SHOWN).map(row)}</tbody>
    </table>
  </div>`;
}

function Written({ job }) {
  const isDone = isOver(job);
  return html`<${ReadAs} job=${job} />
    <section class="card">
      <h2>${t(job.state === 'refused' ? 'importRefused' : isDone ? 'importOver' : 'importing')}</h2>
      ${!isDone && html`<p class="soft">${t('stay')}</p>`}
      ${
        isDone &&
        html`<${Big} href="#/" label=${t('seeThem')} />
          <${Big} kind="quiet" href="#/add" label=${t('anotherFile')} />`
      }
    </section>
    <${Outcome} job=${job} />`;
}

// How far it is, and what became of each row, or would.
function Outcome({ job }) {
  const tones = { registered: ['free', 'check'], changed: ['taken', 'wrench'], refused: ['late', 'alert'] };
  const figure = (one) => {
    const [tone, icon] = tones[one] ?? ['', 'list'];
    const about = { name: wordOf(one, job.dryrun), value: many(job[one]), tone: job[one] ? tone : '', icon };
    return html`<${Figure} key=${one} ...${about} />`;
  };
  return html`${
    !isOver(job) &&
    html`<progress class="progress" max=${job.rows} value=${job.done} aria-label=${t('importing')} />
      <p role="status" class="tally">${t('soFarOf', many(job.done), many(job.rows))}</p>`
  }
    <dl class="figures">${OUTCOMES.map(figure)}</dl>
    <${Rows} job=${job} />`;
}

function Rows({ job }) {
  const [show, setShow] = useKept('show', '');
  const [number, setNumber] = useState(0);
  const path = `${at(job.importid)}/rows${show && `?outcome=${show}`}`;
  const read = useRead(() => page(path, 'rows', ROWS, number), [path, number, job.done]);
  const first = number * ROWS;
  const choose = (one) => {
    setShow(one);
    setNumber(0);
  };
  const options = [['', t('all')], ...OUTCOMES.map((one) => [one, wordOf(one, job.dryrun)])];
  return html`<${Chips} label=${t('filters')} options=${options} chosen=${show} onChoose=${choose} />
    <${Loaded} of=${read} rows=${4}>
      ${({ rows, total, pages }) => html`<p class="soft paging">
          <span role="status">${t('rowsFrom', first + Math.min(1, total), first + rows.length, total)}</span>
          <${Turn} label=${t('before')} off=${number === 0} onClick=${() => setNumber(number - 1)} />
          <${Turn} label=${t('next')} off=${number + 1 >= pages} onClick=${() => setNumber(number + 1)} />
        </p>
        ${rows.length > 0 && html`<${RowTable} job=${job} rows=${rows} />`}`}
    <//>`;
}

function RowTable({ job, rows }) {
  const bike = ({ bikeid, label, outcome }) => {
    const name = [bikeid, label].filter(Boolean).join(' · ') || '–';
    const isThere = bikeid && (outcome === 'unchanged' || (!job.dryrun && outcome !== 'refused'));
    return isThere ? html`<a class="link" href="#/bike/${bikeid}">${name}</a>` : html`<strong>${name}</strong>`;
  };
  const where = ({ location, lat, lon }) => html`<span class="cut" title=${location ?? ''}>${place(location)}</span>
    <span class="soft cut">${lat === null ? t('importedNowhere') : `${lat}, ${lon}`}</span>`;
  const columns = [
    ['number', t('line'), ({ line }) => line],
    ['status', t('bikeName'), bike],
    ['battery', t('batteryName'), ({ batterylevel }) => html`<${Battery} percent=${batterylevel} />`],
    ['place', t('where'), where],
    ['ride', t('outcome'), (row) => html`<${Verdict} row=${row} dryrun=${job.dryrun} />`],
  ];
  return html`<${Table} label=${t('outcome')} columns=${columns} rows=${rows} rowKey=${({ line }) => line} />`;
}

function Verdict({ row, dryrun }) {
  const { reasons, isBad, isSaid, isDoubtful } = verdictOf(row, language());
  const words = [...(isSaid ? [] : [wordOf(row.outcome, dryrun)]), ...reasons].join(' · ');
  const icon = isDoubtful ? 'alert' : 'check';
  return html`<span class="verdict ${isBad ? 'bad' : ''}"><${Icon} name=${icon} />${words}</span>`;
}
