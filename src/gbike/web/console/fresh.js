// What is shown is read anew when the view tells of a change, and now and then: of bikes, people and what is put on
// record nobody tells.
import { useEffect, useRef } from '../shared/lib.js';
import { listen } from '../shared/live.js';

const AT_ONCE_MS = 200; // after a change …
const MOMENT_MS = 3_000; // … and between two looks because of changes: an account may read 300 times a minute
const UNTOLD_MS = 10_000; // between two looks otherwise, while the page is looked at

/**
 * Calls `again`, never while what it began goes on. `wanted`: as long as; `fits`: whether a change matters here.
 * @param {() => Promise<void>} again
 * @param {{ wanted?: boolean, fits?: (change: any) => boolean }} when
 */
export function useFresh(again, { wanted = true, fits = () => true } = {}) {
  const latest = useRef({ again, fits });
  latest.current = { again, fits };
  useEffect(() => {
    if (!wanted) return undefined;
    let timer = 0; // of the look that is due or goes on
    let looked = Date.now();
    let missed = false; // a change, since the last look began
    const look = async () => {
      missed = false;
      await latest.current.again();
      looked = Date.now();
      timer = 0;
      if (missed) soon();
    };
    const soon = () => {
      timer ||= setTimeout(look, Math.max(AT_ONCE_MS, looked + MOMENT_MS - Date.now()));
    };
    const hint = (change) => {
      if (!latest.current.fits(change)) return;
      missed = true;
      soon();
    };
    const stop = listen(hint);
    const asking = setInterval(() => document.hidden || Date.now() - looked < UNTOLD_MS || soon(), UNTOLD_MS / 4);
    return () => {
      clearTimeout(timer);
      clearInterval(asking);
      stop();
      missed = false;
    };
  }, [wanted]);
}
