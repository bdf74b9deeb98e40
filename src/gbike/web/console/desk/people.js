// People with roles: their accounts, the invitations that are open, the field staff's points; one of these at a time.
import { ask } from '../../shared/api.js';
import { html, useEffect, useState } from '../../shared/lib.js';
import { Page } from '../../shared/parts.js';
import { narrow, useRoute } from '../../shared/shell.js';
import { announce } from '../../shared/state.js';
import { many, stamp, t } from '../../shared/text.js';
import { Chips, Named, Rider } from '../parts.js';
import { ServerList, useServerList } from '../serverlist.js';
import { Act } from './acts.js';
import { Moment, Soft } from './links.js';

const VIEWS = ['accounts', 'invitations', 'managers'];
const ROLES = ['admin', 'bikeManager', 'rider'];
const HOUR_MS = 3_600_000;
const EXPIRIES = [24, 72, 168, 720]; // hours

export const rolesSaid = (roles) => roles.map((role) => t(`role_${role}`)).join(', ');
export const pointsOf = (point) => t('pointsOf', many(point));

// Which roles go together, as a field offers them.
export const roleChoices = () =>
  [['bikeManager'], ['admin'], ['bikeManager', 'admin'], []].map((some) => {
    const roles = ['rider', ...some];
    return [roles.join(','), rolesSaid(roles)];
  });

export const choiceOf = (roles) => ROLES.toReversed().filter((role) => roles.includes(role) || role === 'rider');

export function PeoplePage() {
  const { query } = useRoute();
  const [made, setMade] = useState(null);
  const [count, setCount] = useState(0);
  const shown = VIEWS.includes(query.show) ? query.show : VIEWS[0];
  const choose = (view) => narrow({ show: view === VIEWS[0] ? '' : view, page: '', sort: '', down: '', role: '' });
  const invited = (invitation) => {
    setMade(invitation);
    setCount(count + 1);
  };
  return html`<${Page} title=${t('people')} beside=${html`<${Invite} invited=${invited} />`}>
    ${made && html`<${Made} ...${made} />`}
    <${Chips} label=${t('people')} options=${VIEWS.map((view) => [view, t(view)])} chosen=${shown} onChoose=${choose} />
    ${
      shown === 'accounts'
        ? html`<${Accounts} />`
        : shown === 'managers'
          ? html`<${Managers} />`
          : html`<${Invitations} count=${count} />`
    }
  <//>`;
}

function Accounts() {
  const columns = [
    ['number', t('account'), ({ userid }) => html`<a class="link" href="#/people/${userid}">${userid}</a>`, 'userid'],
    ['status', t('secondFactor'), codesSaid],
    ['battery', t('managerName'), managerSaid],
    ['place', t('roles'), ({ roles }) => rolesSaid(roles)],
    ['ride', t('name'), ({ name, erased }) => (erased ? t('erasedRider') : (name ?? '–'))],
    ['seen', t('sinceWhen'), ({ created }) => html`<${Moment} at=${created} />`],
  ];
  /** @type {Filter[]} */
  const filters = [
    { id: 'role', kind: 'choice', label: t('role'), options: ROLES.map((role) => [role, t(`role_${role}`)]) },
  ];
  const list = useServerList({ path: '/accounts', name: 'accounts', filters, sorts: ['userid'], usual: 'userid,asc' });
  return html`<${ServerList} list=${list} what=${t('accounts')} columns=${columns} rowKey=${({ userid }) => userid}
    icon="person" empty=${t('noAccounts')} hint=${t('noAccountsHint')} />`;
}

// On a narrow screen neither would tell what it is.
const codesSaid = ({ codes }) =>
  html`<${Named} name=${t('secondFactor')}><${Soft}>${t(codes ? 'hasCodes' : 'noCodes')}<//><//>`;
const managerSaid = ({ managerid }) =>
  html`<${Named} name=${t('managerName')}><${ManagerLink} managerid=${managerid} /><//>`;

const ManagerLink = ({ managerid }) =>
  managerid ? html`<a class="link" href="#/manager/${managerid}">${managerid}</a>` : html`<${Soft}>–<//>`;

function Invite({ invited }) {
  const fields = [
    { name: 'contact', kind: 'text', label: t('contactName'), required: true, most: 254 },
    { name: 'roles', kind: 'choice', label: t('roles'), options: roleChoices(), value: 'rider,bikeManager' },
    {
      name: 'hours',
      kind: 'choice',
      label: t('goodFor'),
      value: '72',
      options: EXPIRIES.map((hours) => [String(hours), t('hoursLong', hours)]),
    },
  ];
  const invite = async ({ contact, roles, hours, reason }, key) => {
    const expires = new Date(Date.now() + Number(hours) * HOUR_MS - 60_000).toISOString();
    const body = { contact, roles: roles.split(','), expires, reason };
    invited(await ask('POST', '/accounts/invitations', { body, key }));
    return { text: t('invitedSay') };
  };
  return html`<${Act} label=${t('invite')} title=${t('inviteWhom')} hint=${t('inviteSay')} fields=${fields}
    work=${invite} />`;
}

// The link is answered once: whoever has it gets in.
function Made({ contact, link: at, expires }) {
  const link = new URL(at, location.href).href; // whole, also where nobody told the service its public address
  const copy = async () => {
    await navigator.clipboard?.writeText(link);
    announce(t('copied'));
  };
  return html`<section class="card invited" aria-label=${t('invitationLink')}>
    <h2>${t('invitationLink')}</h2>
    <p class="soft">${t('linkOnce', contact, stamp(expires))}</p>
    <p class="code">${link}</p>
    <p><button class="small-button" type="button" onClick=${copy}>${t('copy')}</button></p>
  </section>`;
}

function Invitations({ count }) {
  const [gone, setGone] = useState(0);
  const list = useServerList({ path: '/accounts/invitations', name: 'invitations', on: [count, gone] });
  const revoke = (invitation) => html`<${Revoke} ...${invitation} then=${() => setGone((before) => before + 1)} />`;
  const columns = [
    ['number', t('invitationName'), ({ invitationid }) => invitationid],
    ['battery', t('roles'), ({ roles }) => rolesSaid(roles)],
    ['place', t('contactName'), ({ contact }) => html`<span class="cut">${contact}</span>`],
    ['ride', t('untilWhen'), ({ expires }) => html`<${Moment} at=${expires} />`],
    ['seen', t('acts'), revoke],
  ];
  return html`<${ServerList} list=${list} what=${t('invitations')} columns=${columns} icon="person"
    rowKey=${({ invitationid }) => invitationid} empty=${t('noInvitations')} hint=${t('noInvitationsHint')} />`;
}

function Revoke({ invitationid, contact, then }) {
  const revoke = async ({ reason }, key) => {
    await ask('DELETE', `/accounts/invitations/${invitationid}`, { body: { reason }, key });
    return { text: t('revokedSay', contact) };
  };
  return html`<${Act} label=${t('revoke')} kind="link" title=${t('revokeOf', contact)} hint=${t('revokeSay')}
    work=${revoke} then=${then} />`;
}

function Managers() {
  const columns = [
    ['number', t('managerName'), (one) => html`<${ManagerLink} ...${one} />`, 'managerid'],
    ['battery', t('points'), ({ point }) => html`<strong class="sum">${pointsOf(point)}</strong>`, 'point'],
    ['place', t('account'), (one) => html`<${Rider} ...${one} />`],
  ];
  const list = useServerList({
    path: '/bikeManagers',
    name: 'bikeManagers',
    sorts: ['managerid', 'point'],
    usual: 'point,desc',
  });
  return html`<${ServerList} list=${list} what=${t('managers')} columns=${columns}
    rowKey=${({ managerid }) => managerid}
    icon="person" empty=${t('noManagers')} hint=${t('noManagersSay')} />`;
}

// Leads on from an address of before, which had a number in its query; else shows what there is.
export function Moved({ from, to, otherwise, children }) {
  const number = useRoute().query[from];
  const href = /^[1-9][0-9]{0,15}$/.test(number ?? '') ? to + number : otherwise;
  useEffect(() => {
    if (href) location.replace(href);
  }, [href]);
  return href ? null : children;
}
