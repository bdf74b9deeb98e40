// The rider's own page: who they are, their language and how the pages look. What they change of their account is in
// pages of their own, web/profile.
import { ask } from '../shared/api.js';
import { given, html, useRead, useState } from '../shared/lib.js';
import { Big, Choice, Field, Icon, Notice, Page } from '../shared/parts.js';
import { signOut } from '../shared/session.js';
import { look, speak } from '../shared/shell.js';
import { announce, kept, useStore } from '../shared/state.js';
import { language, t } from '../shared/text.js';
import { ride } from './actions.js';

const LANGUAGES = [
  ['ko', '한국어', 'ko'],
  ['en', 'English', 'en'],
];
const LOOKS = ['auto', 'light', 'dark'];

export function MePage() {
  const { mode, who } = useStore();
  const words = { name: 'language', legend: t('languageName'), options: LANGUAGES };
  const looks = { name: 'look', legend: t('look'), options: LOOKS.map((as) => [as, t(as)]) };
  const console = html`<${Big} kind="quiet" icon="list" label=${t('toConsole')} href="/app/console" />`;
  const staff = html`<a href="#/staff">
    <${Icon} name="wrench" /><span class="grow main">${t('staff')}</span><${Icon} name="next" />
  </a>`;
  return html`<${Page} title=${t('me')}>
    ${mode === 'demo' ? html`<${RiderNumber} />` : html`<${Account} />`}
    ${(mode === 'demo' || who.roles.includes('bikeManager')) && html`<ul class="card lines"><li>${staff}</li></ul>`}
    <div class="card">
      <${Choice} ...${words} chosen=${language()} onChoose=${speak} />
      <${Choice} ...${looks} chosen=${kept('look', 'auto')} onChoose=${look} />
    </div>
    ${who.roles.includes('admin') && console}
    ${
      mode === 'secure' &&
      html`<${Big} kind="quiet" label=${t('signOut')} onClick=${signOut} />
        <p class="aside"><a class="link" href="#/me/delete">${t('leave')}</a></p>`
    }
  <//>`;
}

function RiderNumber() {
  const { who } = useStore();
  return html`<${NumberForm} id="rider" label=${t('rider')} hint=${t('riderHint')} value=${who.userid} save=${ride} />`;
}

// Who one is in the demo.
export function NumberForm({ id, label, hint, value, save }) {
  const [wrong, setWrong] = useState(null);
  const send = (event) => {
    event.preventDefault();
    const number = given(event)[id].trim();
    if (!/^[1-9][0-9]{0,11}$/.test(number)) return setWrong(t('noNumber'));
    setWrong(null);
    save(Number(number));
    announce(t('saved'));
  };
  const digits = { inputmode: 'numeric', autocomplete: 'off', maxlength: 12 };
  return html`<form class="card" onSubmit=${send} novalidate>
    <${Field} id=${id} label=${label} hint=${hint} wrong=${wrong} defaultValue=${value} ...${digits} />
    <${Big} kind="quiet" type="submit" label=${t('save')} />
  </form>`;
}

// Who one is, and the way to what may be changed of it.
function Account() {
  const { who, accountChanges } = useStore();
  const { found } = useRead(() => ask('GET', `/accounts/${who.userid}`), [who.userid, accountChanges]);
  const ways = [
    ['name', 'name', found?.name ?? '–'],
    ['contact', 'contact', found?.contact ?? '–'],
    ['password', 'password'],
    ['codes', 'factor', found && t(found.codes ? 'isOn' : 'isOff')],
    ['sessions', 'signedInAt'],
    ['consents', 'consents'],
  ];
  const isProved = !found?.contact_wanted && found?.contact !== null;
  const way = (name, href) => ({ text: t(name), href });
  return html`<p class="soft">${t('rider')} ${who.userid}</p>
    ${!isProved && html`<${Notice} tone="calm" text=${t('proveSay')} way=${way('proveIt', '#/me/contact')} />`}
    ${
      kept('session')?.codes_needed &&
      html`<${Notice} tone="calm" text=${t('codesNeeded')} way=${way('factor', '#/me/codes')} />`
    }
    <ul class="card lines">
      ${ways.map(
        ([to, name, said]) => html`<li key=${to}>
          <a href="#/me/${to}">
            <span class="grow">
              <span class="main">${t(name)}</span>${said && html`<span class="soft">${said}</span>`}
            </span>
            <${Icon} name="next" />
          </a>
        </li>`,
      )}
    </ul>`;
}
