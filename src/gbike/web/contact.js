// One's contact: a code proves it, and another one takes its place. And the recovery codes, which are shown once.
import { said } from './actions.js';
import { ask } from './api.js';
import { html, useEffect, useState } from './lib.js';
import { Big, Field, Notice } from './parts.js';
import { set, useStore } from './store.js';
import { t } from './text.js';

const good = (text) => set({ notice: { tone: 'good', text } });

// A form that sends one thing and tells why it was refused.
function Send({ label, work, children }) {
  const [refusal, refuse] = useState(null);
  const [busy, wait] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    const given = Object.fromEntries(new FormData(event.target));
    wait(true);
    refuse(null);
    try {
      await work(given);
    } catch (failed) {
      refuse(failed.type === 'sign-in-refused' ? { tone: 'bad', text: t('wrongPassword') } : said(failed, 'contact'));
    }
    wait(false);
  };
  return html`<form class="fields" onSubmit=${send} novalidate>
    ${refusal && html`<${Notice} ...${refusal} />`}
    ${children}
    <${Big} kind="quiet" type="submit" label=${label} busyLabel=${t('sending')} busy=${busy} />
  </form>`;
}

const Password = ({ id }) =>
  html`<${Field} id=${id} type="password" label=${t('yourPassword')} autocomplete="current-password" maxlength="128" />`;

export function ContactCards() {
  const { who } = useStore();
  const [mine, know] = useState(null);
  const at = `/accounts/${who.userid}`;
  const read = () => ask('GET', at).then(know, () => {});
  useEffect(() => {
    read();
  }, [who.userid]);
  if (!mine) return null;
  return html`${mine.contact_wanted && html`<${Prove} at=${at} mine=${mine} read=${read} />`}
    <${Change} at=${at} mine=${mine} read=${read} />
    ${mine.codes && html`<${Recovery} at=${at} left=${mine.recovery_left} read=${read} />`}`;
}

function Prove({ at, mine, read }) {
  const prove = async ({ proof }) => {
    await ask('POST', `${at}/contact/proof`, { body: { code: proof.replace(/\D/g, '') } });
    good(t('proved'));
    set({ mineAt: Date.now() }); // what stands above is read anew too
    read();
  };
  const another = async () => {
    try {
      await ask('POST', `${at}/contact/code`);
      good(t('sentAgain'));
    } catch (failed) {
      set({ notice: said(failed, 'contact') });
    }
  };
  return html`<div class="card" id="prove">
    <h2>${t('prove')}</h2>
    <p class="soft">${t('codeSent', mine.contact_wanted)}</p>
    <${Send} label=${t('proveIt')} work=${prove}>
      <${Field} id="proof" label=${t('proofCode')} inputmode="numeric" autocomplete="one-time-code" maxlength="12" />
    <//>
    <button class="link" type="button" onClick=${another}>${t('sendAgain')}</button>
  </div>`;
}

function Change({ at, mine, read }) {
  const gone = !mine.contact;
  const [open, show] = useState(false);
  const change = async ({ wanted, password }) => {
    await ask('POST', `${at}/contact`, { body: { contact: wanted.trim(), password } });
    show(false);
    read();
  };
  if (!open && !gone) return html`<div class="card"><${Big} kind="quiet" label=${t('change')} onClick=${() => show(true)} /></div>`;
  return html`<div class="card" id="change">
    <h2>${t('change')}</h2>
    ${gone && html`<${Notice} tone="calm" text=${t('lost')} />`}
    <${Send} label=${t('changeIt')} work=${change}>
      <${Field} id="wanted" label=${t('newContact')} hint=${t('contact')} autocomplete="off" autocapitalize="none" maxlength="254" />
      <${Password} id="password" />
    <//>
  </div>`;
}

function Recovery({ at, left, read }) {
  const [codes, show] = useState(null);
  const make = async ({ own }) => {
    show((await ask('POST', `${at}/authenticator/recoveryCodes`, { body: { password: own } })).recovery_codes);
    read();
  };
  const copy = () => navigator.clipboard.writeText(codes.join('\n')).then(() => good(t('copied')), () => {});
  if (codes) {
    return html`<div class="card" id="recovery">
      <h2>${t('recovery')}</h2>
      <${Notice} tone="calm" text=${t('keepCodes')} />
      <ul class="codes">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ul>
      <${Big} kind="quiet" label=${t('copy')} onClick=${copy} />
      <${Big} kind="quiet" label=${t('print')} onClick=${() => print()} />
      <${Big} label=${t('kept')} onClick=${() => show(null)} />
    </div>`;
  }
  return html`<div class="card" id="recovery">
    <h2>${t('recovery')}</h2>
    <p class="soft">${t('recoveryLeft', left)}</p>
    <${Send} label=${t('makeCodes')} work=${make}><${Password} id="own" /><//>
  </div>`;
}
