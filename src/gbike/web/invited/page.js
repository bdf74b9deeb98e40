// Who was invited: what they may do, a name and a password, and the way on. Its words come with it.
import { ask } from '../shared/api.js';
import { Password } from '../shared/forms.js';
import { given, html, useRead, useSend, useState } from '../shared/lib.js';
import { Big, Field, Loading, Notice, Page } from '../shared/parts.js';
import { said } from '../shared/session.js';
import { learn, moment, t } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';

learn({ ko, en });

const AT = '/accounts/invitations';
const MAY = { rider: 'mayRider', bikeManager: 'mayBikeManager', admin: 'mayAdmin' };
const post = (path, body) => ask('POST', `${AT}/${path}`, { body, anybody: true });
const isOver = (failed) => failed.type === 'invitation-refused';
const say = (failed) => (isOver(failed) ? { tone: 'bad', text: t('invitedOver') } : said(failed, 'signUp'));

export default function InvitedPage({ token }) {
  const { found, failed, again } = useRead(() => post('look', { token }), [token]);
  const [done, setDone] = useState('');
  if (done) return html`<${Done} status=${done} roles=${found.roles} />`;
  if (found) return html`<${Offer} token=${token} of=${found} then=${setDone} />`;
  const on = failed && isOver(failed) ? { way: { text: t('signIn'), href: '#/signin' } } : { again };
  return html`<${Page} title=${t('invited')}>
    ${failed ? html`<${Notice} ...${say(failed)} ...${on} />` : html`<${Loading} rows=${3} />`}
  <//>`;
}

function Offer({ token, of: { roles, known, expires }, then }) {
  const work = async (event) => {
    const { name, password } = given(event);
    const { status } = await post('use', known ? { token } : { token, name: name.trim(), password });
    then(status);
  };
  const { busy, refusal, send } = useSend(work, say);
  return html`<${Page} title=${t('invited')} onSubmit=${send}>
    ${refusal && html`<${Notice} ...${refusal} />`}
    <div class="card">
      <h2>${t('invitedMay')}</h2>
      <ul>${roles.map((role) => html`<li key=${role}>${t(MAY[role])}</li>`)}</ul>
      <p class="soft">${t('invitedUntil', moment(expires))}</p>
    </div>
    <p>${t(known ? 'invitedKnown' : 'invitedNew')}</p>
    ${!known && html`<${Newcomer} />`}
    <${Big} type="submit" label=${t(known ? 'invitedTake' : 'invitedJoin')} busyLabel=${t('sending')} busy=${busy} />
  <//>`;
}

const Newcomer = () =>
  html`<div class="card">
    <${Field} id="name" label=${t('name')} autocomplete="name" maxlength="100" />
    <${Password} hint=${t('passwordHint')} autocomplete="new-password" />
  </div>`;

// The link is of no use any more. The console is a page of its own, where operators sign in too.
const Done = ({ status, roles }) => {
  const href = roles.includes('admin') ? '/app/console' : '#/signin';
  return html`<${Page} title=${t('invited')}>
    <${Notice} tone="good" text=${t(status)} />
    <${Big} label=${t('signIn')} href=${href} />
  <//>`;
};
