// The same act on many things: a few at a time, each under its own key, so that none is done twice; who is busy is
// asked again, and what is refused is told with its reason.

const AT_ONCE = 4;
const TRIES = 6;
const PAUSE_S = 2;

/**
 * Answers when all were sent, or it was stopped: { done, refused: [{ item, failed }], left }.
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Promise<any>} send
 * @param {{ told?: (so: { done: T[], refused: { item: T, failed: any }[] }) => void, isStopped?: () => boolean,
 *   pause?: (seconds: number) => Promise<any> }} [how] `told`: of each that is over
 */
export async function onAll(items, send, { told = () => {}, isStopped = () => false, pause = seconds } = {}) {
  /** @type {{ done: T[], refused: { item: T, failed: any }[] }} */
  const so = { done: [], refused: [] };
  let next = 0;
  const one = async (/** @type {T} */ item) => {
    for (let tries = 1; ; tries += 1) {
      try {
        await send(item);
        return so.done.push(item);
      } catch (failed) {
        const isBusy = !failed?.status || failed.status === 429 || failed.status === 503;
        if (!isBusy || tries >= TRIES || isStopped()) return so.refused.push({ item, failed });
        await pause(failed?.retryAfterS ?? PAUSE_S);
      }
    }
  };
  const worker = async () => {
    while (next < items.length && !isStopped()) {
      const item = items[next];
      next += 1;
      await one(item);
      told(so);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return { ...so, left: items.slice(next) };
}

const seconds = (/** @type {number} */ count) => new Promise((resolve) => setTimeout(resolve, count * 1000));
