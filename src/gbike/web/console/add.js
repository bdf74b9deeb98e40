// New bikes: one, or a file of them, which the service looks through first; and the files of before.
import { ask } from '../shared/api.js';
import { html, useEffect, useRef, useSend, useState } from '../shared/lib.js';
import { Big, Icon, Notice, Page } from '../shared/parts.js';
import { many, stamp, t } from '../shared/text.js';
import { fieldsOf } from './bikeedit.js';
import { useFields } from './dialog.js';
import { readBikes } from './fleet.js';
import { ChooseFile, nameOfImport } from './imports.js';
import { Listed, useList } from './lists.js';

const SAMPLE = '번호,위치,배터리,위도,경도\n2001,"분당 정자역, 1구역",100,37.3670,127.1083';

export const AddPage = () =>
  html`<${Page} title=${t('add')} back="#/">
    <div class="columns">
      <${One} />
      <section class="card" aria-label=${t('addMany')}>
        <h2>${t('addMany')}</h2>
        <p class="soft">${t('fileHint')}</p>
        <pre class="sample" lang="ko" tabindex="0" role="region" aria-label=${t('sample')}>${SAMPLE}</pre>
        <${ChooseFile} label=${t('chooseFile')} />
        <${Before} />
      </section>
    </div>
  <//>`;

// The files of before: one that is under way goes on whether somebody looks or not.
function Before() {
  const list = useList('/bikes/imports', 'imports');
  const line = (one) => html`<li key=${one.importid}>
    <a href="#/imports/${one.importid}">
      <span class="grow">
        <span class="main cut">${nameOfImport(one)}</span><span class="soft">${about(one)}</span>
      </span>
      <${Icon} name="next" />
    </a>
  </li>`;
  if (!list.rows?.length) return null;
  return html`<h2>${t('imports')}</h2>
    <${Listed} list=${list}><ul class="lines">${list.rows.map(line)}</ul><//>`;
}

const about = ({ dryrun, state, registered, changed, refused, at }) =>
  [stamp(at), t(dryrun ? 'dryRun' : `state_${state}`), t('tally', many(registered), many(changed), many(refused))].join(
    ' · ',
  );

function One() {
  const [added, setAdded] = useState(null);
  /** @type {GivenField} */
  const number = { name: 'bikeid', kind: 'number', label: t('bikeNumber'), least: 1, required: true };
  const fields = [number, ...fieldsOf({})];
  const { understood, refusedAt, field, done } = useFields(fields);
  const told = useRef(null);
  const work = async (event) => {
    const form = event.target;
    const found = understood(event);
    setAdded(null);
    if (!found) return;
    const { bikeid } = await ask('POST', '/bikes', { body: found.values, key: found.key });
    setAdded({ tone: 'good', text: t('added', bikeid), way: { text: t('number', bikeid), href: `#/bike/${bikeid}` } });
    done();
    form.reset();
    readBikes().catch(() => {});
  };
  const { busy, refusal, send } = useSend(work, refusedAt);
  const notice = refusal ?? added;
  useEffect(() => notice && told.current.scrollIntoView({ block: 'nearest' }), [notice]);
  return html`<form class="card" onSubmit=${send} novalidate aria-label=${t('addOne')}>
    <h2>${t('addOne')}</h2>
    <div ref=${told}>${notice?.text && html`<${Notice} ...${notice} />`}</div>
    ${fields.slice(0, -2).map(field)}
    <div class="pair">${fields.slice(-2).map(field)}</div>
    <${Big} type="submit" kind="quiet" label=${t('addOne')} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}
