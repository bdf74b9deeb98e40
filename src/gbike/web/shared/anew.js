// Parts that are loaded when they are needed. After an upgrade a page that was open asks for files that are gone: then
// it is opened anew, once, in the new version and where it was. What is unsent or written is kept: taps.js, kept.js.
import { settled } from './api.js';

const [OWN] = new URL(import.meta.url).pathname.split('shared/');
const LOOK_MS = 8000;

// What the server answers for this page now; null where it does not.
async function page() {
  try {
    const answer = await fetch(location.pathname, { cache: 'no-store', signal: AbortSignal.timeout(LOOK_MS) });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}

const mark = (anew) => history.replaceState({ ...history.state, anew }, '');

/** @template T @param {() => Promise<T>} load @returns {Promise<T>} */
export async function loaded(load) {
  try {
    const part = await load();
    if (history.state?.anew) mark(undefined);
    return part;
  } catch (failed) {
    if (history.state?.anew || ((await page()) ?? OWN).includes(OWN)) throw failed;
    mark(true);
    await settled();
    location.reload();
    return new Promise(() => {});
  }
}

// Opens the page anew where somebody answers: else the one that is there would be gone too.
export const reopen = async () => void ((await page()) && location.reload());
