// What one has agreed to: which version, when, and the way out of what may be withdrawn.
import { ask } from '../shared/api.js';
import { html, useRead, useSend } from '../shared/lib.js';
import { Big, Loaded, Notice, Page } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { announce, useStore } from '../shared/state.js';
import { moment, t } from '../shared/text.js';
import { own } from './parts.js';

const KINDS = ['terms', 'location'];

export function ConsentsPage() {
  const { who } = useStore();
  const read = useRead(async () => {
    const [{ consents }, terms] = await Promise.all([ask('GET', `${own()}/consents`), ask('GET', '/accounts/terms')]);
    return { given: consents, terms };
  }, [who.userid]);
  return html`<${Page} title=${t('consents')} back="#/me">
    <${Loaded} of=${read} rows=${3}>
      ${({ given, terms }) =>
        KINDS.map((kind) => {
          const one = given.find((consent) => consent.kind === kind);
          return html`<${Consent} key=${kind} kind=${kind} given=${one} terms=${terms} again=${read.again} />`;
        })}
    <//>
  <//>`;
}

// Without the terms there is no account; where one is may be kept to oneself.
function Consent({ kind, given, terms: { version, ...links }, again }) {
  const at = `${own()}/consents/${kind}`;
  const done = async (words) => {
    await again();
    announce(t(words));
  };
  const say = (failed) => {
    if (failed.type !== 'terms-changed') return said(failed, 'account');
    again();
    return { tone: 'calm', text: t('termsAnew') };
  };
  const agree = useSend(async () => {
    await ask('PUT', at, { body: { version } });
    await done('agreed');
  }, say);
  const withdraw = useSend(async () => {
    await ask('DELETE', at);
    await done('withdrawn');
  }, say);
  const refusal = agree.refusal ?? withdraw.refusal;
  const isNewer = given?.version !== version;
  const label = t(given ? 'agreeAnew' : 'agree');
  return html`<div class="card" id=${`consent-${kind}`}>
    <h2>${t(`consent_${kind}`)}</h2>
    <p class="soft">${t(`consentSay_${kind}`)}</p>
    <p>${given ? t('agreedAt', moment(given.at), given.version) : t('notAgreed')}</p>
    ${given && isNewer && html`<p class="soft">${t('newerTerms', version)}</p>`}
    ${refusal && html`<${Notice} ...${refusal} />`}
    <a class="link" href=${links[kind] ?? '#/terms'}>${t('readTerms')}</a>
    ${isNewer && html`<${Big} label=${label} busyLabel=${t('sending')} busy=${agree.busy} onClick=${agree.send} />`}
    ${
      given &&
      kind === 'location' &&
      html`<${Big} kind="quiet" label=${t('withdraw')} busyLabel=${t('sending')} busy=${withdraw.busy}
        onClick=${withdraw.send} />`
    }
  </div>`;
}
