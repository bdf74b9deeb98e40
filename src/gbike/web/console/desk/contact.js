// A rider's name and contact: shown to whoever asks for them, which the account service writes into its audit log.
import { askMaybe } from '../../shared/api.js';
import { html, useSend, useState } from '../../shared/lib.js';
import { Facts, Notice } from '../../shared/parts.js';
import { said } from '../../shared/session.js';
import { t } from '../../shared/text.js';

const NOBODY = { name: null, contact: null };

export function Contact({ userid }) {
  const [account, setAccount] = useState(null);
  const look = async () => setAccount(await askMaybe(`/accounts/${userid}`, NOBODY));
  const { busy, refusal, send } = useSend(look, (failed) => said(failed, 'act'));
  if (account) return html`<${Told} account=${account} userid=${userid} />`;
  return html`<div class="contact">
    ${refusal && html`<${Notice} ...${refusal} />`}
    <button class="small-button" type="button" aria-disabled=${busy || undefined} onClick=${send}>
      ${t('showContact')}
    </button>
    <p class="soft">${t('lookIsKept')}</p>
  </div>`;
}

function Told({ account, userid }) {
  if (account === NOBODY) return html`<p class="soft">${t('noAccount', userid)}</p>`;
  if (account.erased) return html`<p class="soft">${t('erasedRider')}</p>`;
  const rows = [
    [t('name'), account.name ?? '–'],
    [t('contactName'), account.contact ?? '–'],
    [t('contactIs'), t(account.contact_proved ? 'contactProved' : 'contactUnproved')],
    [t('account'), html`<a class="link" href="#/people/${userid}">${t('accountNo', userid)}</a>`],
  ];
  return html`<${Facts} rows=${rows} />`;
}
