// The way out: what deleting an account does, what is in its way and what to do about that, and that it was done.
import { ask, askMaybe } from '../shared/api.js';
import { forgetAll } from '../shared/kept.js';
import { html, useRead, useState } from '../shared/lib.js';
import { Big, Loaded, Notice, Page } from '../shared/parts.js';
import { set, useStore } from '../shared/state.js';
import { t, won } from '../shared/text.js';
import { Form, lead, OwnPassword, own } from './parts.js';

const DOES = ['deleteData', 'deleteBooks', 'deleteDevice'];

export function DeletePage() {
  const { who, open, changes } = useStore();
  const [refused, setRefused] = useState(null);
  const read = useRead(async () => {
    setRefused(null);
    return askMaybe(`/userDeposits/${who.userid}`, { deposit: 0 });
  }, [who?.userid, open?.length, changes]);
  return html`<${Page} title=${t('leave')} back="#/me">
    <div class="card">
      <h2>${t('deleteSay')}</h2>
      <ul class="bullets">${DOES.map((name) => html`<li key=${name}>${t(name)}</li>`)}</ul>
    </div>
    <${Loaded} of=${read} rows=${2}>
      ${({ deposit }) => {
        const left = refused ?? { rides: open?.length ?? 0, deposit };
        return left.rides || left.deposit
          ? html`<${InTheWay} ...${left} />`
          : html`<${Delete} refused=${setRefused} />`;
      }}
    <//>
  <//>`;
}

const ride = () => ({ text: t('deleteRide'), way: { text: t('toRide'), href: '#/ride' } });
const debt = (krw) => ({ text: t('deleteDebt', won(krw)), way: { text: t('topUp'), href: '#/topup' } });

// `deposit`: what is left of it in won, below 0 a debt.
const InTheWay = ({ rides, deposit }) =>
  html`<h2>${t('deleteFirst')}</h2>
    ${rides > 0 && html`<${Notice} tone="calm" ...${ride()} />`}
    ${deposit < 0 && html`<${Notice} tone="calm" ...${debt(-deposit)} />`}
    ${deposit > 0 && html`<${Notice} tone="calm" text=${t('deleteMoney', won(deposit))} />`}`;

function Delete({ refused }) {
  const [isLast, setIsLast] = useState(false);
  const erase = async ({ password }) => {
    try {
      await ask('POST', `${own()}/erasure`, { body: { password } });
    } catch (failed) {
      if (failed.type === 'last-admin') return setIsLast(true);
      if (failed.type !== 'account-in-use') throw failed;
      return refused(failed.facts);
    }
    lead('#/me/deleted');
    forgetAll();
    set({ who: null, open: null, notice: null });
  };
  if (isLast) return html`<${Notice} tone="calm" text=${t('deleteLast')} />`;
  return html`<div class="card">
    <${Form} kind="fault" label=${t('deleteIt')} work=${erase}>
      ${(wrong) => html`<${OwnPassword} wrong=${wrong.password} />`}
    <//>
  </div>`;
}

export const DeletedPage = () =>
  html`<${Page} title=${t('deletedTitle')}>
    <div class="card"><p>${t('deletedAll')}</p><p>${t('deletedSay')}</p></div>
    <${Big} kind="quiet" label=${t('deletedOn')} href="#/" />
  <//>`;
