// What of a ride's fee was given back, and why. Its words come with it.
import { ask } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
import { Facts } from '../shared/parts.js';
import { learn, t, won } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';

learn({ ko, en });

const MOST = 100;
const BY_RULE = 'complaint'; // nobody wrote it: a bike that was only tried and is no good costs nothing

export const why = (reason) => (reason === BY_RULE ? t('byComplaint') : reason);

// Each correction of a bill.
export const corrections = async (billid) =>
  (await ask('GET', `/billings/${billid}/corrections?size=${MOST}`))._embedded.corrections;

export function Refunds({ billid, fee, refunded }) {
  const { found } = useRead(() => corrections(billid), [billid, refunded]);
  return html`<ul class="plain">
      ${(found ?? []).map(
        ({ correctionid, amount, reason }) =>
          html`<li key=${correctionid}>${t('refundedFor', won(amount), why(reason))}</li>`,
      )}
    </ul>
    <${Facts} rows=${[[t('paidFee'), won(fee - refunded)]]} />`;
}
