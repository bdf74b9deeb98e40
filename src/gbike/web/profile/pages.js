// One's account: a page for each thing that may be changed of it. The overview stands in the rider's app.
import { ask, plain, signedIn, signedOut } from '../shared/api.js';
import { Password } from '../shared/forms.js';
import { html, useRead, useSend } from '../shared/lib.js';
import { Big, Empty, Field, Loaded, Notice, Page } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { announce, set, useStore } from '../shared/state.js';
import { learn, moment, t } from '../shared/text.js';
import { ConsentsPage } from './consents.js';
import { ContactPage } from './contact.js';
import { DeletedPage, DeletePage } from './delete.js';
import { en } from './en.js';
import { FactorPage } from './factor.js';
import { ko } from './ko.js';
import { changed, Form, lead, own, useMine } from './parts.js';

learn({ ko, en });

const PAGES = {
  name: NamePage,
  contact: ContactPage,
  password: PasswordPage,
  codes: FactorPage,
  sessions: SessionsPage,
  consents: ConsentsPage,
  delete: DeletePage,
};

export default function ProfilePages({ at }) {
  const { mode, who } = useStore();
  if (at === 'deleted' && !who) return html`<${DeletedPage} />`;
  const home = (title, hint) =>
    html`<${Page} title=${t('me')} back="#/me">
      <${Empty} icon="person" title=${title} hint=${hint}>
        <${Big} kind="quiet" label=${t('me')} href="#/me" />
      <//>
    <//>`;
  if (!PAGES[at]) return home(t('notFound'), '');
  if (mode === 'demo') return home(t('noAccount'), t('noAccountHint'));
  return html`<${PAGES[at]} />`;
}

function NamePage() {
  const mine = useMine();
  const rename = async ({ name }) => {
    await ask('PATCH', own(), { body: { name: name.trim() } });
    changed();
    announce(t('saved'));
    location.hash = '#/me';
  };
  return html`<${Page} title=${t('name')} back="#/me">
    <${Loaded} of=${mine} rows=${2}>
      ${({ name }) => html`<div class="card">
        <${Form} label=${t('save')} work=${rename}>
          ${(wrong) => html`<${Field}
            id="name"
            label=${t('name')}
            hint=${t('nameHint')}
            autocomplete="name"
            maxlength="100"
            defaultValue=${name ?? ''}
            wrong=${wrong.name}
          />`}
        <//>
      </div>`}
    <//>
  <//>`;
}

// Every session ends with the password. Whoever changed it is signed in again at once, or led to the door where a code
// is needed too.
function PasswordPage() {
  const mine = useMine();
  const change = async ({ current, new: password }) => {
    const contact = mine.found.contact ?? mine.found.contact_wanted;
    await ask('POST', `${own()}/password`, { body: { current, new: password } });
    try {
      signedIn(await plain('/sessions', { contact, password }));
    } catch {
      lead('#/signin');
      return signedOut({ tone: 'calm', text: t('passwordChangedGo') });
    }
    announce(t('passwordChanged'));
    location.hash = '#/me';
  };
  const about = { 'sign-in-refused': { current: t('wrongPassword') } };
  const form = html`<${Notice} tone="calm" text=${t('passwordEnds')} />
    <div class="card">
      <${Form} label=${t('changePassword')} work=${change} about=${about}>
        ${(wrong) => {
          const now = { label: t('currentPassword'), autocomplete: 'current-password', wrong: wrong.current };
          const next = { hint: t('passwordHint'), autocomplete: 'new-password', wrong: wrong.new };
          return html`<${Password} id="current" ...${now} />
            <${Password} id="new" label=${t('passwordNext')} ...${next} />`;
        }}
      <//>
    </div>`;
  return html`<${Page} title=${t('password')} back="#/me">
    <${Loaded} of=${mine} rows=${3}>
      ${({ contact, contact_wanted: wanted }) => (contact || wanted ? form : html`<${NoContact} />`)}
    <//>
  <//>`;
}

// Nobody could sign in again without one.
const NoContact = () =>
  html`<${Notice} tone="calm" text=${t('lost')} way=${{ text: t('change'), href: '#/me/contact' }} />`;

// Where one is signed in, as coarse as account keeps it, and the way out there.
function SessionsPage() {
  const { who } = useStore();
  const at = `${own()}/sessions`;
  const read = useRead(async () => (await ask('GET', at)).sessions, [who.userid]);
  const post = async (_event, path, then) => {
    await ask('POST', path);
    await then();
  };
  const { busy, send } = useSend(post, (failed) => set({ notice: said(failed, 'account') }));
  const there = async () => {
    await read.again();
    announce(t('endedThere'));
  };
  const everywhere = () => signedOut({ tone: 'good', text: t('endedEverywhere') });
  const out = (event) => send(event, `${at}/end`, everywhere);
  const end = (one) => (event) => send(event, `${at}/${one.sessionid}/end`, there);
  return html`<${Page} title=${t('signedInAt')} back="#/me">
    <${Loaded} of=${read} rows=${2}>
      ${(found) => html`<ul class="card lines sessions">
          ${found.map((one) => html`<${Session} key=${one.sessionid} of=${one} end=${end(one)} />`)}
        </ul>
        <${Big} kind="quiet" label=${t('endEverywhere')} busyLabel=${t('sending')} busy=${busy} onClick=${out} />`}
    <//>
  <//>`;
}

function Session({ of: one, end }) {
  const name = one.agent || t('someDevice');
  return html`<li>
    <p>
      <span class="grow"><span class="main">${name}</span>${whence(one)}</span>
      ${
        one.this
          ? html`<span class="soft">${t('thisOne')}</span>`
          : html`<button class="small-button" type="button" aria-label=${t('endThereOf', name)} onClick=${end}>
              ${t('endThere')}
            </button>`
      }
    </p>
  </li>`;
}

const whence = ({ network, lastused }) =>
  html`${lastused && html`<span class="soft">${t('lastUsed', moment(lastused))}</span>`}
    <span class="soft">${network.replace(/\.0\/24$/, '.x')}</span>`;
