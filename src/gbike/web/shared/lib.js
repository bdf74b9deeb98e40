// What every part is made with: elements written as HTML, the hooks, and what pages do with what they ask for.

import { useEffect, useRef, useState } from '../vendor/hooks.js';
import htm from '../vendor/htm.js';
import { h, render } from '../vendor/preact.js';
import { entry, keepAt, keepRead, keptAt, lastRead } from './kept.js';

export { useMemo } from '../vendor/hooks.js';
export { render, useEffect, useRef, useState };
export const html = htm.bind(h);

const SLOW_MS = 2000; // whoever waits so long is shown what was known last
const BACK_MS = 1000; // after the line came back: of two requests one may be answered and one never

// What `read` answers, read anew when something of `on` changes: { found, failed, again }. What was found stays when a
// later reading fails, and an answer that is no longer waited for is dropped. `last`: the name under which it is kept
// for a spell without a line; after that it is read anew.
export function useRead(read, on, last = '') {
  const [known, setKnown] = useState({ found: null, failed: null });
  const latest = useRef(0);
  const isBehind = useRef(false);
  const again = async () => {
    latest.current += 1;
    const mine = latest.current;
    const isMine = () => mine === latest.current;
    const show = (found) => isMine() && setKnown({ found, failed: null });
    const recall = () => isMine() && setKnown((before) => ({ ...before, found: before.found ?? lastRead(last) }));
    const slow = last && setTimeout(recall, SLOW_MS);
    try {
      const found = await read(isMine, show);
      show(found);
      isBehind.current = false;
      if (last && isMine()) keepRead(last, found);
    } catch (failed) {
      if (isMine()) setKnown((before) => ({ ...before, failed }));
      if (!failed.status) isBehind.current = true;
      if (!failed.status && last) recall();
    }
    clearTimeout(slow);
  };
  useEffect(() => {
    again();
    return () => {
      latest.current += 1;
    };
  }, on);
  const newest = useRef(again);
  newest.current = again;
  useEffect(() => {
    let timer;
    const back = () => {
      clearTimeout(timer);
      timer = setTimeout(() => isBehind.current && newest.current(), BACK_MS);
    };
    addEventListener('answered', back);
    return () => {
      clearTimeout(timer);
      removeEventListener('answered', back);
    };
  }, []);
  return { ...known, again };
}

// As useState, of this entry of the tab's history: reload, back and forward find it again.
export function useKept(name, initial) {
  const at = useRef(0);
  at.current ||= entry();
  const [value, setValue] = useState(() => keptAt(at.current, name) ?? initial);
  const keepIt = (next) => {
    keepAt(at.current, name, next);
    setValue(next);
  };
  return [value, keepIt];
}

// The element of a field in which what was written is there again after a reload, back and forward. What a page itself
// holds or begins with is the page's, and nobody keeps passwords and codes.
export function useWritten(id, input) {
  const box = useRef(null);
  const isKept = !('value' in input || 'defaultValue' in input);
  const isSecret = input.type === 'password' || input.autocomplete === 'one-time-code';
  useEffect(() => {
    const [at, field] = [entry(), box.current];
    if (!isKept || isSecret || field.closest('dialog')) return undefined;
    field.value ||= keptAt(at, id) ?? '';
    const write = () => keepAt(at, id, field.value);
    field.addEventListener('input', write);
    return () => field.removeEventListener('input', write);
  }, []);
  return box;
}

// Draws anew every so often.
export function useTick(ms) {
  const [, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((count) => count + 1), ms);
    return () => clearInterval(timer);
  }, []);
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
    const [at, form] = [entry(), event.target];
    try {
      await work(event, ...more);
      const sent = form instanceof HTMLFormElement ? [...form.elements] : [];
      for (const { id } of sent) if (keptAt(at, id) !== undefined) keepAt(at, id, undefined);
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
