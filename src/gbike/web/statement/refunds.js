// What of a ride's fee was given back, and why. Its words come with it.
import { ask } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
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

// The sum, and each correction where there are several.
export function Refunds({ billid, refunded }) {
  const { found } = useRead(() => corrections(billid), [billid, refunded]);
  const said = ({ amount, reason }) => (found.length > 1 ? t('refundedFor', won(amount), why(reason)) : why(reason));
  return html`${won(refunded)}
    ${(found ?? []).map((made) => html`<p class="soft" key=${made.correctionid}>${said(made)}</p>`)}`;
}
