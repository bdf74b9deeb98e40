// One's contact: a code proves it, and another one takes its place. And the recovery codes, which are shown once.
import { ask } from '../shared/api.js';
import { given, html, useRead, useSend, useState } from '../shared/lib.js';
import { Big, Field, Notice } from '../shared/parts.js';
import { Password, said } from '../shared/session.js';
import { announce, set, state, useStore } from '../shared/state.js';
import { t } from '../shared/text.js';

const refused = (failed) =>
  failed.type === 'sign-in-refused' ? { tone: 'bad', text: t('wrongPassword') } : said(failed, 'contact');

// A form that sends one thing and tells why it was refused.
function Send({ label, work, children }) {
  const { busy, refusal, send } = useSend((event) => work(given(event)), refused);
  return html`<form class="fields" onSubmit=${send} novalidate>
    ${refusal && html`<${Notice} ...${refusal} />`}
    ${children}
    <${Big} kind="quiet" type="submit" label=${label} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}

const OwnPassword = ({ id }) =>
  html`<${Password} id=${id} label=${t('yourPassword')} autocomplete="current-password" />`;

export function ContactCards() {
  const { who } = useStore();
  const at = `/accounts/${who.userid}`;
  const { found: mine, again } = useRead(() => ask('GET', at), [who.userid]);
  if (!mine) return null;
  return html`${mine.contact_wanted && html`<${Prove} at=${at} mine=${mine} read=${again} />`}
    <${Change} at=${at} mine=${mine} read=${again} />
    ${mine.codes && html`<${Recovery} at=${at} left=${mine.recovery_left} read=${again} />`}`;
}

function Prove({ at, mine, read }) {
  const prove = async ({ proof }) => {
    await ask('POST', `${at}/contact/proof`, { body: { code: proof.replace(/\D/g, '') } });
    announce(t('proved'));
    set({ accountChanges: state.accountChanges + 1 }); // what stands above is read anew too
    read();
  };
  const another = useSend(
    async () => {
      await ask('POST', `${at}/contact/code`);
      announce(t('sentAgain'));
    },
    (failed) => set({ notice: refused(failed) }),
  );
  const digits = { inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 12 };
  return html`<div class="card" id="prove">
    <h2>${t('prove')}</h2>
    <p class="soft">${t('codeSent', mine.contact_wanted)}</p>
    <${Send} label=${t('proveIt')} work=${prove}>
      <${Field} id="proof" label=${t('proofCode')} ...${digits} />
    <//>
    <button class="link" type="button" onClick=${another.send}>${t('sendAgain')}</button>
  </div>`;
}

function Change({ at, mine, read }) {
  const gone = !mine.contact;
  const [open, setOpen] = useState(false);
  const change = async ({ wanted, password }) => {
    await ask('POST', `${at}/contact`, { body: { contact: wanted.trim(), password } });
    setOpen(false);
    read();
  };
  const start = html`<${Big} kind="quiet" label=${t('change')} onClick=${() => setOpen(true)} />`;
  if (!open && !gone) return html`<div class="card">${start}</div>`;
  const contact = { hint: t('contact'), autocomplete: 'off', autocapitalize: 'none', maxlength: 254 };
  return html`<div class="card" id="change">
    <h2>${t('change')}</h2>
    ${gone && html`<${Notice} tone="calm" text=${t('lost')} />`}
    <${Send} label=${t('changeIt')} work=${change}>
      <${Field} id="wanted" label=${t('newContact')} ...${contact} />
      <${OwnPassword} id="password" />
    <//>
  </div>`;
}

function Recovery({ at, left, read }) {
  const [codes, setCodes] = useState(null);
  const make = async ({ own }) => {
    const made = await ask('POST', `${at}/authenticator/recoveryCodes`, { body: { password: own } });
    setCodes(made.recovery_codes);
    read();
  };
  const copied = () => announce(t('copied'));
  const copy = () => navigator.clipboard.writeText(codes.join('\n')).then(copied, () => {});
  if (codes) {
    return html`<div class="card" id="recovery">
      <h2>${t('recovery')}</h2>
      <${Notice} tone="calm" text=${t('keepCodes')} />
      <ul class="codes">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ul>
      <${Big} kind="quiet" label=${t('copy')} onClick=${copy} />
      <${Big} kind="quiet" label=${t('print')} onClick=${() => print()} />
      <${Big} label=${t('kept')} onClick=${() => setCodes(null)} />
    </div>`;
  }
  return html`<div class="card" id="recovery">
    <h2>${t('recovery')}</h2>
    <p class="soft">${t('recoveryLeft', left)}</p>
    <${Send} label=${t('makeCodes')} work=${make}><${OwnPassword} id="own" /><//>
  </div>`;
}
