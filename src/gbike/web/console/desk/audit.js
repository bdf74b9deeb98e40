// Who did what, to whom or what, and why: the audit logs of all services as one, and whether their chains are whole.
import { ask } from '../../shared/api.js';
import { html, useRead, useState } from '../../shared/lib.js';
import { Empty, Failed, Icon, Loaded, Loading, More, Notice, Page } from '../../shared/parts.js';
import { BROKEN, FREE, TAKEN, wordOf } from '../../shared/rental.js';
import { said } from '../../shared/session.js';
import { narrow, useRoute } from '../../shared/shell.js';
import { set } from '../../shared/state.js';
import { language, many, stamp, t, won } from '../../shared/text.js';
import { fileOf, pageOf, understood } from '../asked.js';
import { Search, Select } from '../parts.js';
import { Csv } from '../serverlist.js';
import { DEEDS } from './deeds.js';
import { causeSaid } from './rider.js';
import { changes, merged, subjectMeant, subjectOf } from './trail.js';

const SERVICES = [
  'rent',
  'bike',
  'billing',
  'user_deposit',
  'rent_and_billing_view',
  'bike_manage_app',
  'bike_manager',
  'account',
];
const STEP = 50;
const MOST = 1000;

const KINDS = ['user', 'bike', 'rent', 'bill', 'manager', 'import', 'invitation', 'message'];

// An action is told in its own words where those are not known yet.
const actionOf = (action) => t(`did_${action.replaceAll(/[^a-z]+/gi, '_')}`) ?? action;
const sorted = {}; // by language: each drawing and each log's address asks for it

// In the order of their words.
function deeds() {
  const inOrder = () => {
    const { compare } = new Intl.Collator(language());
    return DEEDS.map((deed) => [deed, actionOf(deed)]).sort(([, one], [, other]) => compare(one, other));
  };
  sorted[language()] ??= inOrder();
  return sorted[language()];
}

/** @returns {Filter[]} */
const filters = () => [
  { id: 'from', kind: 'day', label: t('fromDay') },
  { id: 'to', kind: 'lastDay', label: t('toDay') },
  { id: 'who', kind: 'search', label: t('byWhom'), hint: t('whoHint') },
  { id: 'subject', kind: 'search', label: t('aboutWhat'), hint: t('aboutHint') },
  { id: 'action', kind: 'choice', label: t('whatWasDone'), options: deeds() },
];

const pathOf = (service) => `/audit/${service}`;

async function log(service, asked, size) {
  const { _embedded, page } = await ask('GET', pageOf(pathOf(service), asked, filters(), {}, size));
  const rows = _embedded?.deeds ?? [];
  return { rows: rows.map((row) => ({ ...row, service })), total: page.totalElements };
}

export function AuditPage() {
  const { query } = useRoute();
  const [size, setSize] = useState(STEP);
  const { chosen, ...rest } = understood(query, filters(), []);
  const meant = chosen.subject && {
    subject: subjectMeant(
      chosen.subject,
      KINDS.map((kind) => [kind, t(`about_${kind}`)]),
    ),
  };
  const asked = { ...rest, chosen: { ...chosen, ...meant }, page: 1, sort: '' };
  const wanted = JSON.stringify(asked.chosen);
  const read = async () => {
    const { rows, isCut } = merged(await Promise.all(SERVICES.map((service) => log(service, asked, size))));
    return { rows: rows.slice(0, size), isCut: isCut || rows.length > size }; // as many as one log has, not eight
  };
  const { found, failed, again } = useRead(read, [wanted, size]);
  const more = found?.isCut && size < MOST && (() => setSize(Math.min(MOST, size * 2)));
  return html`<${Page} title=${t('audit')}>
    <${Chains} />
    <${Narrow} chosen=${chosen} />
    ${failed && found && html`<${Notice} ...${said(failed, 'read')} again=${again} />`}
    ${
      found
        ? html`<${Rows} ...${found} />`
        : failed?.status === 422
          ? html`<${Notice} ...${said(failed, 'read')} />`
          : failed
            ? html`<${Failed} again=${again} />`
            : html`<${Loading} rows=${6} />`
    }
    ${more && html`<${More} onClick=${more} />`}
    <${Files} asked=${asked} />
  <//>`;
}

function Narrow({ chosen }) {
  const any = Object.keys(chosen).length > 0;
  const none = Object.fromEntries(filters().map(({ id }) => [id, '']));
  const field = ({ id, kind, label, hint, options = [] }) => {
    const about = { id, label, value: chosen[id] ?? '' };
    if (kind === 'choice') return html`<${Select} key=${id} ...${about} options=${[['', t('all')], ...options]} />`;
    return html`<${Search} key=${id} ...${about} hint=${hint} type=${kind === 'search' ? 'search' : 'date'} />`;
  };
  return html`<form class="filters" onSubmit=${(event) => event.preventDefault()} aria-label=${t('filters')}>
    ${filters().map(field)}
    ${any && html`<button class="link" type="button" onClick=${() => narrow(none)}>${t('clear')}</button>`}
  </form>`;
}

function Rows({ rows }) {
  if (!rows.length) return html`<${Empty} icon="list" title=${t('nothingDone')} hint=${t('noneFoundHint')} />`;
  const item = (row) => html`<${Row} key=${`${row.service}${row.number}`} ...${row} />`;
  return html`<p class="soft" role="status">${t('rowsShown', many(rows.length))}</p>
    <ol class="card story trail">${rows.map(item)}</ol>`;
}

function Row({ service, number, at, who, roles, action, subject, before, after }) {
  const { kind, of, page } = subjectOf(subject);
  const about = `${t(`about_${kind}`) ?? kind} ${of}`.trim();
  const { reason = after?.why } = after ?? {};
  const changed = (line) => html`<${Changed} key=${line[0]} of=${line} />`;
  const lines = changes(before ?? {}, after ?? {}).filter(([name]) => name !== 'reason');
  return html`<li>
    <span class="sign small"><${Icon} name="list" /></span>
    <div class="grow">
      <p class="main">${actionOf(action)} · ${page ? html`<a class="link" href=${page}>${about}</a>` : about}</p>
      ${reason && html`<p>${t('reasonWas', reason)}</p>`}
      ${lines.length > 0 && html`<p class="soft changes">${lines.map(changed)}</p>`}
      <p class="soft">${whoSaid(who, roles)} · ${t('rowNo', t(`service_${service}`), number)}</p>
    </div>
    <time class="soft" datetime=${at}>${stamp(at)}</time>
  </li>`;
}

function whoSaid(who, roles) {
  const isAccount = /^[0-9]+$/.test(who);
  const name = isAccount ? t('accountNo', who) : (t(`who_${who}`) ?? who);
  const may = roles.map((role) => t(`role_${role}`) ?? role).join(', ');
  return [name, isAccount ? may : ''].filter(Boolean).join(' · ');
}

const KRW = ['deposit', 'amount', 'refunded', 'fee', 'left'];

function told(name, value) {
  if (value === undefined || value === null || value === '') return t('nothing');
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  if (KRW.includes(name) && Number.isInteger(value)) return won(value);
  if (name === 'status')
    return [FREE, TAKEN, BROKEN].includes(value) ? t(wordOf(value)) : (t(`ride_${value}`) ?? value);
  if (name === 'cause') return causeSaid(String(value));
  if (name === 'fault') return t(`complaint_${value}`) ?? t('nothing');
  if (Array.isArray(value)) return value.map((one) => t(`role_${one}`) ?? String(one)).join(', ') || t('nothing');
  if (typeof value === 'object') return JSON.stringify(value);
  return /^\d{4}-\d{2}-\d{2}T/.test(value) ? stamp(value) : (t(`${name}_${value}`) ?? String(value));
}

function Changed({ of: [name, before, after] }) {
  const words = t(`fact_${name}`) ?? name;
  if (before === undefined) return html`<span>${words}: ${told(name, after)}</span>`;
  return html`<span>${words}: ${told(name, before)} → <strong>${told(name, after)}</strong></span>`;
}

// One piece of a log's chain, after `before`: the rows up to which it was looked at, and each break that was found.
async function along(before) {
  const { service, checked: after = 0, breaks = [] } = before;
  const told = await ask('GET', `${pathOf(service)}/chain${after ? `?after=${after}` : ''}`);
  return { service, number: told.number, checked: told.checked, breaks: [...breaks, ...told.breaks] };
}

const isDone = ({ checked, number, breaks }) => checked >= number || breaks.length > 0;

// The first piece of each at once; a long log's rest is looked at when somebody asks for it.
function Chains() {
  const [all, setAll] = useState(SERVICES.map((service) => ({ service })));
  const look = async () => {
    setAll(await Promise.all(all.map(along)));
    return true;
  };
  const first = useRead(look, []);
  const [busy, setBusy] = useState(false);
  const rest = async () => {
    setBusy(true);
    try {
      for (let now = all; now.some((one) => !isDone(one)); ) {
        now = await Promise.all(now.map((one) => (isDone(one) ? one : along(one))));
        setAll(now);
      }
    } catch (failed) {
      set({ notice: said(failed, 'read') });
    }
    setBusy(false);
  };
  const deed = busy ? undefined : { text: t('checkRest'), run: rest };
  return html`<${Loaded} of=${first} rows=${1}>${() => html`<${Chained} all=${all} deed=${deed} />`}<//>`;
}

function Chained({ all, deed }) {
  const broken = all.filter(({ breaks }) => breaks.length);
  const sum = (what) => many(all.reduce((count, one) => count + one[what], 0));
  const line = ({ service, breaks }) => html`<li key=${service}>${t(`service_${service}`)}: ${breaks.join('; ')}</li>`;
  if (!broken.length && all.every(isDone))
    return html`<${Notice} tone="good" text=${t('chainsWhole', sum('number'))} />`;
  if (!broken.length)
    return html`<${Notice} tone="calm" text=${t('chainsSoFar', sum('checked'), sum('number'))} deed=${deed} />`;
  return html`<div class="notice bad" role="alert">
    <${Icon} name="alert" />
    <div>
      <p>${t('chainsBroken')}</p>
      <ul>${broken.map(line)}</ul>
    </div>
  </div>`;
}

// Each service has a log of its own, so each is a file of its own.
function Files({ asked }) {
  const file = (service) => (encoding) => fileOf(pathOf(service), asked, filters(), {}, encoding);
  const line = (service) => html`<li key=${service}>${t(`service_${service}`)} <${Csv} file=${file(service)} /></li>`;
  return html`<details class="card">
    <summary>${t('logFiles')}</summary><ul class="files">${SERVICES.map(line)}</ul>
  </details>`;
}
