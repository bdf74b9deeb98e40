// What a key means that is pressed while nobody writes anything. It is told by where the key is when a Korean keyboard
// writes something else with it.

const LETTER = /^[a-z]$/;

// The sign on a key, as a Latin keyboard has it.
/** @param {{ key: string, code?: string, shiftKey?: boolean }} event */
export function signOf({ key, code = '', shiftKey }) {
  const sign = key.toLowerCase();
  if (LETTER.test(sign) || sign === '/' || sign === '?') return sign;
  if (/^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase();
  if (code === 'Slash') return shiftKey ? '?' : '/';
  return sign;
}

// What to do: search, keys, palette, { go: letter }, 'wait' for the letter after g; null: it is no shortcut.
/** @param {{ key: string, code?: string, shiftKey?: boolean, ctrlKey?: boolean, metaKey?: boolean,
 *   altKey?: boolean }} event
 * @param {{ typing: boolean, waiting: boolean, on: boolean }} now whether somebody writes, whether g was pressed just
 * before, whether single letters are shortcuts */
export function meantBy(event, { typing, waiting, on }) {
  const sign = signOf(event);
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && sign === 'k') return 'palette';
  if (typing || !on || event.ctrlKey || event.metaKey || event.altKey) return null;
  if (waiting && LETTER.test(sign)) return { go: sign };
  return { '/': 'search', '?': 'keys', g: 'wait' }[sign] ?? null;
}

// Whether keys that are pressed there write something, or choose.
/** @param {EventTarget | null} target */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
