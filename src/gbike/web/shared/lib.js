// What every part is made with: elements written as HTML, the hooks, and what pages do with what they ask for.

import { useEffect, useRef, useState } from '../vendor/hooks.js';
import htm from '../vendor/htm.js';
import { h, render } from '../vendor/preact.js';

export { useMemo } from '../vendor/hooks.js';
export { render, useEffect, useRef, useState };
export const html = htm.bind(h);

// What `read` answers, read anew when something of `on` changes: { found, failed, again }. What was found stays when a
// later reading fails, and an answer that is no longer waited for is dropped.
export function useRead(read, on) {
  const [known, setKnown] = useState({ found: null, failed: null });
  const latest = useRef(0);
  const again = async () => {
    latest.current += 1;
    const mine = latest.current;
    const isMine = () => mine === latest.current;
    try {
      const found = await read(isMine, (some) => isMine() && setKnown({ found: some, failed: null }));
      if (isMine()) setKnown({ found, failed: null });
    } catch (failed) {
      if (isMine()) setKnown((before) => ({ ...before, failed }));
    }
  };
  useEffect(() => {
    again();
    return () => {
      latest.current += 1;
    };
  }, on);
  return { ...known, again };
}

// Sends one thing at a time: { busy, refusal, send }. `say` makes a notice of what was refused, or { wrong }: words at
// fields, of which the first then has the focus.
export function useSend(work, say) {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState(null);
  useEffect(() => {
    const first = refusal?.wrong && document.querySelector('form [aria-invalid="true"]');
    if (first instanceof HTMLElement) first.focus();
  }, [refusal]);
  const send = async (event, ...more) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setRefusal(null);
    try {
      await work(event, ...more);
    } catch (failed) {
      setRefusal(say(failed));
    }
    setBusy(false);
  };
  return { busy, refusal, send };
}

// What was written into a form.
/** @returns {Record<string, string>} */
export const given = ({ target }) => Object.fromEntries(/** @type {any} */ (new FormData(target)));
