// The rider's own page: who they are, their language, how the pages look, and where they are signed in.
import { ask, signedOut } from '../shared/api.js';
import { given, html, useRead, useSend, useState } from '../shared/lib.js';
import { Big, Choice, Facts, Field, Icon, Later, Page } from '../shared/parts.js';
import { said, signOut } from '../shared/session.js';
import { look, speak } from '../shared/shell.js';
import { announce, kept, set, useStore } from '../shared/state.js';
import { language, moment, t } from '../shared/text.js';
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
    ${mode === 'demo' ? html`<${RiderNumber} />` : html`<${Account} /><${Contact} />`}
    ${(mode === 'demo' || who.roles.includes('bikeManager')) && html`<ul class="card lines"><li>${staff}</li></ul>`}
    <div class="card">
      <${Choice} ...${words} chosen=${language()} onChoose=${speak} />
      <${Choice} ...${looks} chosen=${kept('look', 'auto')} onChoose=${look} />
    </div>
    ${who.roles.includes('admin') && console}
    ${mode === 'secure' && html`<${Sessions} /><${Big} kind="quiet" label=${t('signOut')} onClick=${signOut} />`}
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

function Account() {
  const { who, accountChanges } = useStore();
  const { found } = useRead(() => ask('GET', `/accounts/${who.userid}`), [who.userid, accountChanges]);
  const rows = [
    [t('name'), found?.name ?? '–'],
    [t('contact'), found?.contact ?? '–'],
    [t('rider'), who.userid],
  ];
  return html`<div class="card"><${Facts} rows=${rows} /></div>`;
}

// Where one is signed in, as coarse as account keeps it, and the way out there.
function Sessions() {
  const { who } = useStore();
  const at = `/accounts/${who.userid}/sessions`;
  const { found, again } = useRead(async () => (await ask('GET', at)).sessions, [who.userid]);
  const post = async (_event, path, then) => {
    await ask('POST', path);
    await then();
  };
  const { busy, send } = useSend(post, (failed) => set({ notice: said(failed, 'signOut') }));
  const there = async () => {
    await again();
    announce(t('endedThere'));
  };
  const everywhere = () => signedOut({ tone: 'good', text: t('endedEverywhere') });
  const out = (event) => send(event, `${at}/end`, everywhere);
  if (!found) return null;
  const rows = found.map((one) => {
    const name = one.agent || t('someDevice');
    const end = (event) => send(event, `${at}/${one.sessionid}/end`, there);
    return html`<li key=${one.sessionid}>
      <p>
        <span class="grow"><span class="main">${name}</span><span class="soft">${whence(one)}</span></span>
        ${
          one.this
            ? html`<span class="soft">${t('thisOne')}</span>`
            : html`<button class="small-button" type="button" aria-label=${t('endThereOf', name)} onClick=${end}>
                ${t('endThere')}
              </button>`
        }
      </p>
    </li>`;
  });
  return html`<h2>${t('signedInAt')}</h2>
    <ul class="card lines sessions">${rows}</ul>
    <${Big} kind="quiet" label=${t('endEverywhere')} busyLabel=${t('sending')} busy=${busy} onClick=${out} />`;
}

const whence = ({ network, lastused }) =>
  [lastused && t('lastUsed', moment(lastused)), network.replace(/\.0\/24$/, '.x')].filter(Boolean).join(' · ');

// Loaded when somebody looks at their account.
const Contact = () =>
  html`<${Later} load=${async () => (await import('./contact.js')).ContactCards} failed=${() => null} />`;
