// What the pages of one's account share: what account knows of oneself, and a form whose refusals stand at its fields.
import { ask } from '../shared/api.js';
import { given, html, useEffect, useRead, useSend } from '../shared/lib.js';
import { Big, Notice } from '../shared/parts.js';
import { Password, said } from '../shared/session.js';
import { set, state, useStore } from '../shared/state.js';
import { t } from '../shared/text.js';

export const own = () => `/accounts/${state.who.userid}`;

export function useMine() {
  const { who, accountChanges } = useStore();
  return useRead(() => ask('GET', own()), [who?.userid, accountChanges]);
}

// To another page at once: a notice stays, as it would not otherwise, and nothing is drawn between.
export function lead(hash) {
  history.replaceState(null, '', hash);
  dispatchEvent(new Event('narrowed'));
}

// What is shown of the account is read anew.
export const changed = () => set({ accountChanges: state.accountChanges + 1 });

/** @type {Record<string, [string, string]>} Which field a refusal is about, and the words for it. */
const ABOUT = {
  'sign-in-refused': ['password', 'wrongPassword'],
  'weak-password': ['new', 'weak'],
  'contact-refused': ['contact', 'badContact'],
  'proof-refused': ['code', 'wrongProof'],
};
const UNFIT = { name: 'nameUnfit', contact: 'badContact', new: 'passwordHint', code: 'codeUnfit' };

// By field, what is wrong with it; null where the refusal is about none.
function wrongOf(failed, about) {
  const [field, words] = { ...ABOUT, ...about }[failed.type] ?? [];
  if (field) return { [field]: t(words) };
  const unfit = (failed.facts?.errors ?? []).filter((one) => UNFIT[one.field]);
  return unfit.length ? Object.fromEntries(unfit.map((one) => [one.field, t(UNFIT[one.field])])) : null;
}

class Missing extends Error {
  constructor(wrong) {
    super();
    this.wrong = wrong;
  }
}

// Sends what was written into its fields, of which none may be empty. `about`: as ABOUT, where this form differs.
// `children` makes the fields, of what is wrong with them.
export function Form({ label, work, about = {}, kind = 'primary', children }) {
  const sending = async (event) => {
    const fields = given(event);
    const missing = Object.entries(fields).filter(([, value]) => !value.trim());
    if (missing.length) throw new Missing(Object.fromEntries(missing.map(([name]) => [name, t('needed')])));
    await work(fields);
  };
  const say = (failed) => {
    const wrong = failed.wrong ?? wrongOf(failed, about);
    return wrong ? { wrong } : said(failed, 'account');
  };
  const { busy, refusal, send } = useSend(sending, say);
  const wrong = refusal?.wrong ?? {};
  const [first] = Object.keys(wrong);
  useEffect(() => {
    if (first) document.getElementById(first)?.focus();
  }, [refusal]);
  return html`<form class="fields" onSubmit=${send} novalidate>
    ${refusal?.text && html`<${Notice} ...${refusal} />`}
    ${children(wrong)}
    <${Big} kind=${kind} type="submit" label=${label} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}

export const OwnPassword = ({ wrong }) =>
  html`<${Password} label=${t('yourPassword')} autocomplete="current-password" wrong=${wrong} />`;
