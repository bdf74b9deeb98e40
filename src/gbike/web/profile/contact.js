// One's contact: a code proves it, and another one takes its place.
import { ask } from '../shared/api.js';
import { html, useSend, useState } from '../shared/lib.js';
import { Big, Facts, Field, Loaded, Notice, Page } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { announce, set } from '../shared/state.js';
import { t } from '../shared/text.js';
import { changed, Form, OwnPassword, own, useMine } from './parts.js';

export function ContactPage() {
  const mine = useMine();
  return html`<${Page} title=${t('contact')} back="#/me">
    <${Loaded} of=${mine} rows=${3}>
      ${(found) => html`<div class="card"><${Facts} rows=${[[t('contactNow'), found.contact ?? '–']]} /></div>
        ${found.contact_wanted && html`<${Prove} key=${found.contact_wanted} wanted=${found.contact_wanted} />`}
        <${Change} gone=${!found.contact} />`}
    <//>
  <//>`;
}

function Prove({ wanted }) {
  const prove = async ({ code }) => {
    await ask('POST', `${own()}/contact/proof`, { body: { code: code.replace(/\D/g, '') } });
    announce(t('proved'));
    changed();
  };
  const another = useSend(
    async () => {
      await ask('POST', `${own()}/contact/code`);
      announce(t('sentAgain'));
    },
    (failed) => set({ notice: said(failed, 'account') }),
  );
  const digits = { inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 12 };
  return html`<div class="card" id="prove">
    <h2>${t('prove')}</h2>
    <p class="soft">${t('codeSent', wanted)}</p>
    <${Form} label=${t('proveIt')} work=${prove}>
      ${(wrong) => html`<${Field} id="code" label=${t('proofCode')} wrong=${wrong.code} ...${digits} />`}
    <//>
    <button class="link" type="button" onClick=${another.send}>${t('sendAgain')}</button>
  </div>`;
}

function Change({ gone }) {
  const [open, setOpen] = useState(false);
  const change = async ({ contact, password }) => {
    await ask('POST', `${own()}/contact`, { body: { contact: contact.trim(), password } });
    setOpen(false);
    changed();
  };
  if (!open && !gone) return html`<${Big} kind="quiet" label=${t('change')} onClick=${() => setOpen(true)} />`;
  const contact = { hint: t('contact'), autocomplete: 'off', autocapitalize: 'none', maxlength: 254 };
  return html`<div class="card" id="change">
    <h2>${t('change')}</h2>
    ${gone && html`<${Notice} tone="calm" text=${t('lost')} />`}
    <p class="soft">${t('changeSay')}</p>
    <${Form} label=${t('changeIt')} work=${change}>
      ${(wrong) => html`<${Field} id="contact" label=${t('newContact')} wrong=${wrong.contact} ...${contact} />
        <${OwnPassword} wrong=${wrong.password} />`}
    <//>
  </div>`;
}
