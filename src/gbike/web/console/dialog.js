// Dialogs: one stands over the page, keeps the focus inside, and gives it back when it closes. The one that acts names
// what it acts on, asks why, and says what was refused.
import { newKey } from '../shared/api.js';
import { wrongOf } from '../shared/forms.js';
import { given, html, useEffect, useRef, useSend, useState } from '../shared/lib.js';
import { Big, Field, Icon, Notice, Wrong } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { t } from '../shared/text.js';
import { understoodFields } from './given.js';

export const MOST_REASON = 255;
const FOCUSED = 'a[href], button:not(:disabled), input, select, textarea, [tabindex="0"]';

// `close` is told when it closes, by Esc too. The first field, or what has `autofocus`, has the focus.
export function Dialog({ title, close, more = '', children }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    box.current.querySelector('input, select, textarea')?.focus();
    return () => before instanceof HTMLElement && before.isConnected && before.focus();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    close();
  };
  return html`<dialog
    class="dialog ${more}"
    ref=${box}
    aria-labelledby="dialog-title"
    onCancel=${cancel}
    onKeyDown=${inside}
    onClick=${({ target }) => target === box.current && close()}
  >
    <div class="within">
      <div class="top">
        <h2 id="dialog-title">${title}</h2>
        <button class="round" type="button" aria-label=${t('close')} onClick=${close}><${Icon} name="close" /></button>
      </div>
      ${children}
    </div>
  </dialog>`;
}

// Tab goes round within it: what is behind is not to be reached, nor what the browser has around the page.
function inside(event) {
  if (event.key !== 'Tab') return;
  const all = [...event.currentTarget.querySelectorAll(FOCUSED)].filter((one) => one.offsetParent !== null);
  const [first, last] = event.shiftKey ? [all.at(-1), all[0]] : [all[0], all.at(-1)];
  if (document.activeElement !== last) return;
  event.preventDefault();
  first.focus();
}

/**
 * `title`: the question, which names the object: "자전거 17번을 폐기할까요?"; `hint`: what will be; `act`: what the button
 * says; `fields`: what is asked besides the reason (see GivenField in types.d.ts); `reason`: false where none is kept;
 * `work`: sends what was given, { reason, … }, under the key of this wish. It closes when that was done, unless
 * `work` answers false; what is refused is said in it, and stays. `children`: what stands before the reason.
 */
export function ReasonDialog({
  title,
  hint,
  act,
  fields = [],
  reason = true,
  tone = 'primary',
  work,
  close,
  children,
}) {
  const all = reason ? [...fields, { name: 'reason', kind: 'reason', label: t('reason') }] : fields;
  const { understood, refusedAt, field } = useFields(all);
  const doIt = async (event) => {
    const found = understood(event);
    if (found && (await work(found.values, found.key)) !== false) close();
  };
  const { busy, refusal, send } = useSend(doIt, refusedAt);
  const told = useRef(null);
  useEffect(() => refusal && told.current.scrollIntoView({ block: 'nearest' }), [refusal]); // a long form is scrolled
  return html`<${Dialog} title=${title} close=${close} more="asking-why">
    <form class="fields" onSubmit=${send} novalidate>
      ${hint && html`<p class="soft">${hint}</p>`}
      <div ref=${told}>${refusal?.text && html`<${Notice} ...${refusal} />`}</div>
      ${fields.map(field)} ${children} ${all.slice(fields.length).map(field)}
      <div class="dialog-buttons">
        <${Big} kind="quiet" label=${t('leaveIt')} onClick=${close} />
        <${Big} type="submit" kind=${tone} label=${act} busyLabel=${t('sending')} busy=${busy} />
      </div>
    </form>
  <//>`;
}

// Fields that say what is wrong with them: `understood` answers { values, key }, or null where something is, and
// `refusedAt` what a service refused. What was done is a new wish when it is sent again.
/** @param {GivenField[]} fields */
export function useFields(fields) {
  const [wrong, setWrong] = useState({});
  const last = useRef({});
  const understood = (event) => {
    const { values, missing } = understoodFields(given(event), fields);
    setWrong(missing);
    const [first] = Object.keys(missing);
    if (first) {
      document.getElementById(`given-${first}`)?.focus();
      return null;
    }
    const text = JSON.stringify(values);
    if (last.current.text !== text) last.current = { text, key: newKey() }; // the same sent again is the same wish
    return { values, key: last.current.key };
  };
  const refusedAt = (failed) => {
    const words = Object.fromEntries(fields.map(({ name }) => [name, 'checkThis']));
    const found = wrongOf(failed, {
      ...words,
      'contact-refused': words.contact && { contact: 'badContact' },
      'bike-exists': words.bikeid && { bikeid: 'numberTaken' },
      'label-taken': words.label && { label: 'labelTaken' },
    });
    setWrong(found);
    return Object.keys(found).length ? { wrong: found } : said(failed, 'act');
  };
  const field = (one) =>
    html`<${Given} key=${one.name} ...${one} wrong=${wrong[one.name] && t(wrong[one.name], one.most, one.least)} />`;
  const done = () => {
    last.current = {};
  };
  return { understood, refusedAt, field, done };
}

const INPUTS = {
  day: () => ({ type: 'date' }),
  moment: () => ({ type: 'datetime-local', step: 1 }),
  amount: () => ({ inputmode: 'numeric', autocomplete: 'off', maxlength: 16 }),
  number: () => ({ inputmode: 'numeric', autocomplete: 'off', maxlength: 16 }),
  degrees: () => ({ inputmode: 'decimal', autocomplete: 'off', maxlength: 20 }),
  label: ({ most }) => ({ autocomplete: 'off', maxlength: most }),
  text: ({ most = MOST_REASON }) => ({ autocomplete: 'off', maxlength: most }),
};

function Given({ name, kind, label, hint, wrong, value = '', options, most }) {
  const id = `given-${name}`;
  const about = { id, name, 'aria-describedby': wrong ? `${id}-wrong` : undefined };
  if (kind === 'reason')
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <textarea
        ...${about}
        rows="3"
        maxlength=${MOST_REASON}
        required
        aria-invalid=${wrong ? 'true' : undefined}
      ></textarea>
      <p class="soft">${t('reasonHint', MOST_REASON)}</p>
      ${wrong && html`<${Wrong} id="${id}-wrong" text=${wrong} />`}
    </div>`;
  if (kind === 'choice')
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <select ...${about}>
        ${options.map(
          ([one, words]) => html`<option key=${one} value=${one} selected=${one === value}>${words}</option>`,
        )}
      </select>
    </div>`;
  const begins = value ? { defaultValue: value } : {}; // what is empty at first is found again as it was left
  return html`<${Field} id=${id} name=${name} label=${label} hint=${hint} wrong=${wrong} ...${begins}
    ...${INPUTS[kind]({ most })} />`;
}
