// The second factor: an authenticator takes a secret, a code confirms it, and codes of recovery are shown this once.
import { loaded } from '../shared/anew.js';
import { ask, renew } from '../shared/api.js';
import { html, useEffect, useState } from '../shared/lib.js';
import { Big, Field, Icon, Loaded, Notice, Page } from '../shared/parts.js';
import { announce, kept } from '../shared/state.js';
import { t } from '../shared/text.js';
import { changed, Form, OwnPassword, own, useMine } from './parts.js';

const groups = (secret) => secret.match(/.{1,4}/g).join(' ');

export function FactorPage() {
  const mine = useMine();
  const [codes, setCodes] = useState(null);
  const given = ({ recovery_codes: made }) => {
    setCodes(made);
    changed();
  };
  const shown = (found) => {
    if (codes) return html`<${Codes} codes=${codes} done=${() => setCodes(null)} />`;
    if (found.codes) return html`<${Enrolled} left=${found.recovery_left} given=${given} />`;
    if (!found.contact_proved) return html`<${ProveFirst} />`;
    return html`<${Enrol} given=${given} />`;
  };
  return html`<${Page} title=${t('factor')} back="#/me">
    <${Loaded} of=${mine} rows=${3}>${shown}<//>
  <//>`;
}

const ProveFirst = () =>
  html`<p>${t('factorSay')}</p>
    <${Notice} tone="calm" text=${t('proveFirst')} way=${{ text: t('prove'), href: '#/me/contact' }} />`;

function Enrol({ given }) {
  const [begun, setBegun] = useState(null);
  const begin = async ({ password }) => {
    const { secret, link } = await ask('POST', `${own()}/authenticator`, { body: { password } });
    setBegun({ secret, link, password });
  };
  if (begun) return html`<${Confirm} ...${begun} given=${given} />`;
  return html`<p>${t('factorSay')}</p>
    <div class="card">
      <${Form} label=${t('factorBegin')} work=${begin}>
        ${(wrong) => html`<${OwnPassword} wrong=${wrong.password} />`}
      <//>
    </div>`;
}

function Confirm({ secret, link, password, given }) {
  const confirm = async ({ code }) => {
    const body = { code: code.replace(/\s/g, ''), password };
    given(await ask('POST', `${own()}/authenticator/confirmation`, { body }));
    const session = kept('session');
    if (session.codes_needed) await renew(session.access_token).catch(() => {}); // else a few minutes later
  };
  const digits = { inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 8 };
  const about = { 'sign-in-refused': { code: t('wrongFactor') } };
  return html`<div class="card" id="enrol">
    <h2>${t('factorScan')}</h2>
    <${Qr} text=${link} />
    <p class="soft">${t('factorType')}</p>
    <p><code class="secret">${groups(secret)}</code></p>
    <${Copy} text=${secret} />
    <a class="link" href=${link}>${t('factorOpen')}</a>
    <h2>${t('factorConfirm')}</h2>
    <${Form} label=${t('factorOn')} work=${confirm} about=${about}>
      ${(wrong) => html`<${Field} id="code" label=${t('code')} wrong=${wrong.code} ...${digits} />`}
    <//>
  </div>`;
}

// As large while what draws it is on its way; without it the secret can be typed.
function Qr({ text }) {
  const [code, setCode] = useState(null);
  useEffect(() => {
    loaded(() => import('../shared/code.js')).then(
      ({ drawn }) => setCode(drawn(text)),
      () => {},
    );
  }, [text]);
  return html`<svg class="qr" viewBox=${code?.box} role="img" aria-label=${t('factorQr')} shape-rendering="crispEdges">
    <path d=${code?.path} />
  </svg>`;
}

function Copy({ text }) {
  if (!navigator.clipboard) return null;
  const copied = () => announce(t('copied'));
  const copy = () => navigator.clipboard.writeText(text).then(copied, () => {});
  return html`<${Big} kind="quiet" label=${t('copy')} onClick=${copy} />`;
}

function Enrolled({ left, given }) {
  const make = async ({ password }) =>
    given(await ask('POST', `${own()}/authenticator/recoveryCodes`, { body: { password } }));
  return html`<div class="card"><span class="status free"><${Icon} name="check" />${t('factorIsOn')}</span>
      <p class="soft">${t('factorLost')}</p></div>
    <div class="card" id="recovery">
      <h2>${t('recovery')}</h2>
      <p class="soft">${t('recoveryLeft', left)}</p>
      <${Form} kind="quiet" label=${t('makeCodes')} work=${make}>
        ${(wrong) => html`<${OwnPassword} wrong=${wrong.password} />`}
      <//>
    </div>`;
}

function Codes({ codes, done }) {
  useEffect(() => scrollTo(0, 0), []); // they stand where a longer page was, scrolled to its end
  return html`<div class="card" id="recovery">
    <h2>${t('recovery')}</h2>
    <${Notice} tone="calm" text=${t('keepCodes')} />
    <ul class="codes">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ul>
    <${Copy} text=${codes.join('\n')} />
    <${Big} kind="quiet" label=${t('print')} onClick=${() => print()} />
    <${Big} label=${t('kept')} onClick=${done} />
  </div>`;
}
