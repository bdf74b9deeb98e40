// What people agree to: the operator's own pages where there are some, else what gbike keeps of them, in plain words.
import { ask } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
import { Big, Loaded, Page } from '../shared/parts.js';
import { t } from '../shared/text.js';

export const readTerms = () => ask('GET', '/accounts/terms', { anybody: true });

const KEPT = ['You', 'Rides', 'Money', 'Sessions'];
const MAY = ['See', 'Change', 'Withdraw', 'Delete'];

export function TermsPage() {
  const read = useRead(readTerms, []);
  return html`<${Page} title=${t('terms')}>
    <${Loaded} of=${read} rows=${4}>${(terms) => html`<${Terms} ...${terms} />`}<//>
  <//>`;
}

function Terms({ version, terms, location: located }) {
  const list = (names, of) =>
    html`<ul class="plain-list">${names.map((name) => html`<li key=${name}>${t(of + name)}</li>`)}</ul>`;
  return html`<p class="soft">${t('termsVersion', version)}</p>
    ${terms && html`<${Big} kind="quiet" label=${t('operatorsTerms')} href=${terms} />`}
    ${located && html`<${Big} kind="quiet" label=${t('operatorsLocation')} href=${located} />`}
    <section class="card"><h2>${t('keptTitle')}</h2>${list(KEPT, 'kept')}</section>
    <section class="card"><h2>${t('placeTitle')}</h2><p>${t('placeSay')}</p><p>${t('placeAsked')}</p></section>
    <section class="card"><h2>${t('whoTitle')}</h2><p>${t('whoSay')}</p></section>
    <section class="card"><h2>${t('mayTitle')}</h2>${list(MAY, 'may')}</section>`;
}
