// What was done is told, with a way back where there is one: the reverse is an act of its own, with its own trace.
import { newKey } from '../shared/api.js';
import { said } from '../shared/session.js';
import { announce, set } from '../shared/state.js';
import { t } from '../shared/text.js';

const MOST_REASON = 255;

// `back`: sends the reverse act, with a reason and under a key; `then`: once it was done.
/** @param {string} text @param {((reason: string, key: string) => Promise<any>) | null} back
 * @param {{ why?: string, then?: () => void }} [more] */
export function done(text, back = null, { why = '', then = () => {} } = {}) {
  if (!back) return announce(text);
  const key = newKey();
  const run = async () => {
    set({ notice: null });
    try {
      await back(t('undoneWhy', why).slice(0, MOST_REASON), key);
      announce(t('undone'));
      then();
    } catch (failed) {
      set({ notice: { ...said(failed, 'act'), deed: { text: t('undo'), run } } });
    }
  };
  set({ notice: { tone: 'good', text, deed: { text: t('undo'), run } } });
}
