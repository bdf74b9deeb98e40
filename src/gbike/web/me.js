// The rider's own page: who they are, their language, how the pages look. And the doors: signing in and up.
import { ride, said, signIn, signOut, signUp } from './actions.js';
import { ask, signedOut } from './api.js';
import { html, useEffect, useState } from './lib.js';
import { Big, Choice, Facts, Field, Icon, Notice, Top } from './parts.js';
import { keep, kept, set, useStore } from './store.js';
import { language, moment, speak, t } from './text.js';

export function look(as) {
  keep('look', as);
  if (as === 'auto') delete document.documentElement.dataset.look;
  else document.documentElement.dataset.look = as;
  set({});
}

export function MePage() {
  const { mode, who } = useStore();
  return html`<section class="page">
    <${Top} title=${t('me')} />
    ${mode === 'demo' ? html`<${Number} />` : html`<${Account} /><${Contact} />`}
    ${(mode === 'demo' || who.roles.includes('bikeManager')) &&
    html`<ul class="card lines">
      <li><a href="#/staff"><${Icon} name="wrench" /><span class="grow main">${t('staff')}</span><${Icon} name="next" /></a></li>
    </ul>`}
    <div class="card">
      <${Choice} name="language" legend=${t('languageName')} chosen=${language()} onChoose=${speak} options=${[['ko', '한국어', 'ko'], ['en', 'English', 'en']]} />
      <${Choice} name="look" legend=${t('look')} chosen=${kept('look', 'auto')} onChoose=${look} options=${['auto', 'light', 'dark'].map((as) => [as, t(as)])} />
    </div>
    ${who?.roles.includes('admin') && html`<${Big} kind="quiet" icon="list" label=${t('toConsole')} href="/app/console" />`}
    ${mode === 'secure' && html`<${Sessions} /><${Big} kind="quiet" label=${t('signOut')} onClick=${signOut} />`}
  </section>`;
}

function Number() {
  const { who } = useStore();
  return html`<${NumberForm} id="rider" label=${t('rider')} hint=${t('riderHint')} value=${who.userid} save=${ride} />`;
}

// Who one is in the demo.
export function NumberForm({ id, label, hint, value, save }) {
  const [wrong, complain] = useState(null);
  const send = (event) => {
    event.preventDefault();
    const number = new FormData(event.target).get(id).trim();
    if (!/^[1-9][0-9]{0,11}$/.test(number)) return complain(t('noNumber'));
    complain(null);
    save(globalThis.Number(number));
    set({ notice: { tone: 'good', text: t('saved') } });
  };
  return html`<form class="card" onSubmit=${send} novalidate>
    <${Field} id=${id} label=${label} hint=${hint} wrong=${wrong} inputmode="numeric" autocomplete="off" maxlength="12" defaultValue=${value} />
    <${Big} kind="quiet" type="submit" label=${t('save')} />
  </form>`;
}

function Account() {
  const { who, mineAt } = useStore();
  const [mine, know] = useState(null);
  useEffect(() => {
    ask('GET', `/accounts/${who.userid}`).then(know, () => {});
  }, [who.userid, mineAt]);
  return html`<div class="card">
    <${Facts} rows=${[[t('name'), mine?.name ?? '–'], [t('contact'), mine?.contact ?? '–'], [t('rider'), who.userid]]} />
  </div>`;
}

// Where one is signed in, as coarse as account keeps it, and the way out there.
function Sessions() {
  const { who } = useStore();
  const [found, know] = useState(null);
  const [busy, wait] = useState(false);
  const at = `/accounts/${who.userid}/sessions`;
  const look = () => ask('GET', at).then(({ sessions }) => know(sessions), () => {});
  useEffect(() => void look(), [who.userid]);
  const end = async (path, after) => {
    if (busy) return;
    wait(true);
    try {
      await ask('POST', path);
      await after();
    } catch (failed) {
      set({ notice: said(failed, 'signOut') });
    }
    wait(false);
  };
  const there = async () => {
    await look();
    set({ notice: { tone: 'good', text: t('endedThere') } });
  };
  if (!found) return null;
  const name = ({ agent }) => agent || t('someDevice');
  return html`<h2>${t('signedInAt')}</h2>
    <ul class="card lines sessions">
      ${found.map(
        (one) => html`<li key=${one.sessionid}>
          <p>
            <span class="grow"><span class="main">${name(one)}</span><span class="soft">${told(one)}</span></span>
            ${one.this
              ? html`<span class="soft">${t('thisOne')}</span>`
              : html`<button class="small-button" type="button" aria-label=${t('endThereOf', name(one))} onClick=${() => end(`${at}/${one.sessionid}/end`, there)}>${t('endThere')}</button>`}
          </p>
        </li>`,
      )}
    </ul>
    <${Big} kind="quiet" label=${t('endEverywhere')} busyLabel=${t('sending')} busy=${busy} onClick=${() => end(`${at}/end`, () => signedOut({ tone: 'good', text: t('endedEverywhere') }))} />`;
}

const told = ({ network, lastused }) =>
  [lastused && t('lastUsed', moment(lastused)), network.replace(/\.0\/24$/, '.x')].filter(Boolean).join(' · ');

// Loaded when somebody looks at their account.
function Contact() {
  const [Cards, have] = useState(null);
  useEffect(() => {
    import('./contact.js').then(({ ContactCards }) => have(() => ContactCards), () => {});
  }, []);
  return Cards && html`<${Cards} />`;
}

export function SignInPage() {
  const [refusal, refuse] = useState(null);
  const [code, needCode] = useState(false);
  const [busy, wait] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    const { contact, password, code: six } = Object.fromEntries(new FormData(event.target));
    wait(true);
    refuse(null);
    try {
      await signIn(contact.trim(), password, six?.trim());
    } catch (failed) {
      if (failed.type === 'code-needed') needCode(true);
      else refuse(failed.type === 'sign-in-refused' || failed.status === 422 ? { tone: 'bad', text: t('wrong') } : said(failed, 'signIn'));
    }
    wait(false);
  };
  return html`<form class="page" onSubmit=${send} novalidate>
    <${Top} title=${t('signIn')} />
    <p class="soft">${t('signInSay')}</p>
    ${refusal && html`<${Notice} ...${refusal} />`}
    <div class="card">
      <${Field} id="contact" label=${t('contact')} autocomplete="username" autocapitalize="none" maxlength="254" />
      <${Field} id="password" type="password" label=${t('password')} autocomplete="current-password" maxlength="128" />
      ${code && html`<${Field} id="code" label=${t('code')} hint=${t('codeHint')} autocomplete="one-time-code" autocapitalize="characters" maxlength="19" />`}
    </div>
    <${Big} type="submit" label=${t('signIn')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside">${t('newHere')} <a class="link" href="#/signup">${t('signUp')}</a></p>
  </form>`;
}

export function SignUpPage() {
  const [refusal, refuse] = useState(null);
  const [busy, wait] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    const { name, contact, password } = Object.fromEntries(new FormData(event.target));
    wait(true);
    refuse(null);
    try {
      await signUp(name.trim(), contact.trim(), password);
      set({ notice: { tone: 'good', text: t('received') } });
      location.hash = '#/signin';
    } catch (failed) {
      refuse(said(failed, 'signUp'));
    }
    wait(false);
  };
  return html`<form class="page" onSubmit=${send} novalidate>
    <${Top} title=${t('signUp')} back="#/signin" />
    ${refusal && html`<${Notice} ...${refusal} />`}
    <div class="card">
      <${Field} id="name" label=${t('name')} autocomplete="name" maxlength="100" />
      <${Field} id="contact" label=${t('contact')} autocomplete="username" autocapitalize="none" maxlength="254" />
      <${Field} id="password" type="password" label=${t('password')} hint=${t('passwordHint')} autocomplete="new-password" maxlength="128" />
    </div>
    <${Big} type="submit" label=${t('signUp')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside">${t('known')} <a class="link" href="#/signin">${t('signIn')}</a></p>
  </form>`;
}
