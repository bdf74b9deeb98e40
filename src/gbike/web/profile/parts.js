// What the pages of one's account share: what account knows of oneself, and a form whose refusals stand at its fields.
import { ask } from '../shared/api.js';
import { mustFill, Password, saidAt } from '../shared/forms.js';
import { given, html, useRead, useSend } from '../shared/lib.js';
import { Big, Notice } from '../shared/parts.js';
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

// What is said at a field whose value was refused; of a problem's type, at which field.
const words = () => ({
  name: t('nameUnfit'),
  contact: t('badContact'),
  new: t('passwordHint'),
  code: t('codeUnfit'),
  'sign-in-refused': { password: t('wrongPassword') },
  'weak-password': { new: t('weak') },
  'contact-refused': { contact: t('badContact') },
  'proof-refused': { code: t('wrongProof') },
});

// Sends what was written into its fields, of which none may be empty. `about`: as `words`, where this form differs.
// `children` makes the fields, of what is wrong with them.
export function Form({ label, work, about = {}, kind = 'primary', children }) {
  const sending = async (event) => {
    const fields = given(event);
    mustFill(fields, Object.fromEntries(Object.keys(fields).map((name) => [name, t('needed')])));
    await work(fields);
  };
  const say = (failed) => saidAt(failed, 'account', { ...words(), ...about });
  const { busy, refusal, send } = useSend(sending, say);
  return html`<form class="fields" onSubmit=${send} novalidate>
    ${refusal?.text && html`<${Notice} ...${refusal} />`}
    ${children(refusal?.wrong ?? {})}
    <${Big} kind=${kind} type="submit" label=${label} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}

export const OwnPassword = ({ wrong }) =>
  html`<${Password} label=${t('yourPassword')} autocomplete="current-password" wrong=${wrong} />`;
