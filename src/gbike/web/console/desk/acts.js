// What an operator does to something: a button, a dialog that names it and asks why, and then what came of it.
import { html, useState } from '../../shared/lib.js';
import { t } from '../../shared/text.js';
import { ReasonDialog } from '../dialog.js';
import { done } from '../undo.js';

// `work(given, key)` sends it and answers what to tell: { text, back? }, where `back(reason, key)` is its reverse. The
// page is read anew (`then`) after either. The rest is the dialog's.
export function Act({ label, act = label, kind = 'small-button', work, then = () => {}, ...dialog }) {
  const [isOpen, setIsOpen] = useState(false);
  const send = async (given, key) => {
    const { text, back = null } = await work(given, key);
    done(text, back, { why: given.reason, then });
    then();
  };
  return html`<button class=${kind} type="button" onClick=${() => setIsOpen(true)}>${label}</button>
    ${isOpen && html`<${ReasonDialog} ...${dialog} act=${act} work=${send} close=${() => setIsOpen(false)} />`}`;
}

export const Acts = ({ children }) => html`<div class="acts" role="group" aria-label=${t('acts')}>${children}</div>`;
