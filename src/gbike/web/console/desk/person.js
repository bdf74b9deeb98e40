// One account: what it may do, and a second factor that was lost. To see it is a look that the account service keeps.
import { ask } from '../../shared/api.js';
import { html, useRead } from '../../shared/lib.js';
import { Facts, Loaded, Notice, Page } from '../../shared/parts.js';
import { stamp, t } from '../../shared/text.js';
import { Rider } from '../parts.js';
import { Act, Acts } from './acts.js';
import { choiceOf, roleChoices, rolesSaid } from './people.js';

export function PersonPage({ userid }) {
  const account = useRead(() => ask('GET', `/accounts/${userid}`), [userid]);
  const way = { text: t('people'), href: '#/people' };
  return html`<${Page} title=${t('accountNo', userid)} back="#/people">
    ${
      !account.found && account.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('noAccount', userid)} way=${way} />`
        : html`<${Loaded} of=${account} rows=${5}>
            ${(found) => html`<${Known} account=${found} again=${account.again} />`}
          <//>`
    }
  <//>`;
}

function Known({ account, again }) {
  const { userid, name, contact, roles, managerid, codes, created, erased } = account;
  const rows = [
    [t('name'), name ?? '–'],
    [t('contactName'), contact ?? '–'],
    [t('roles'), rolesSaid(roles)],
    managerid && [t('managerName'), html`<a class="link" href="#/manager/${managerid}">${managerid}</a>`],
    [t('secondFactor'), t(codes ? 'hasCodes' : 'noCodes')],
    [t('sinceWhen'), stamp(created)],
    [t('asRider'), html`<${Rider} userid=${userid} />`],
  ];
  return html`<section class="card" aria-label=${t('accountNo', userid)}>
    <${Facts} rows=${rows} />
    <p class="soft">${t('lookWasKept')}</p>
    ${
      erased
        ? html`<p class="soft">${t('erasedRider')}</p>`
        : html`<${Acts}>
            <${Grant} account=${account} again=${again} />
            ${codes && html`<${Reset} account=${account} again=${again} />`}
          <//>`
    }
  </section>`;
}

function Grant({ account: { userid, roles, managerid }, again }) {
  const before = choiceOf(roles);
  const put = (body, key) => ask('PUT', `/accounts/${userid}/roles`, { body, key });
  const grant = async ({ roles: chosen, reason }, key) => {
    const body = { roles: chosen.split(','), managerid: managerid ?? undefined };
    const now = await put({ ...body, reason }, key);
    const was = { roles, managerid: managerid ?? undefined };
    return {
      text: t('grantedSay', userid, rolesSaid(now.roles)),
      back: (why, other) => put({ ...was, reason: why }, other),
    };
  };
  const fields = [
    { name: 'roles', kind: 'choice', label: t('roles'), options: roleChoices(), value: before.join(',') },
  ];
  return html`<${Act} label=${t('grant')} title=${t('grantOf', userid)} hint=${t('grantSay')} fields=${fields}
    work=${grant} then=${again} />`;
}

function Reset({ account: { userid }, again }) {
  const reset = async (body, key) => {
    await ask('POST', `/accounts/${userid}/authenticator/removal`, { body, key });
    return { text: t('resetSay', userid) };
  };
  return html`<${Act} label=${t('resetCodes')} title=${t('resetCodesOf', userid)} hint=${t('resetCodesSay')}
    work=${reset} then=${again} />`;
}
