// Where a page was scrolled to: reload, back and forward lead there again once the page is so long; a link to its top.
import { entry, keepAt, keptAt } from './kept.js';

const QUIET_MS = 300; // after the address changed, what the browser moves is not the reader's doing
const WAIT_MS = 5000; // for what is read
const NAME = 'scrolled';
let at = entry();
let wanted = keptAt(at, NAME) ?? 0;
let quietUntil = 0;
let stop = () => {};

const quiet = () => {
  quietUntil = performance.now() + QUIET_MS;
};

function moved() {
  if (entry() === at) return;
  at = entry();
  wanted = keptAt(at, NAME) ?? 0;
  quiet();
}

history.scrollRestoration = 'manual';
quiet();
addEventListener('popstate', moved);
addEventListener('hashchange', moved);
addEventListener('narrowed', moved);
addEventListener('scroll', () => performance.now() > quietUntil && keepAt(at, NAME, Math.round(scrollY)));

/** @param {HTMLElement} page what grows while it is read */
export function scrollBack(page) {
  stop();
  const to = wanted;
  scrollTo(0, to);
  if (!to) return;
  const end = () => {
    stop();
    wanted = 0;
  };
  const grown = new ResizeObserver(() => {
    quiet();
    scrollTo(0, to);
    if (scrollY >= to - 1) end();
  });
  const timer = setTimeout(end, WAIT_MS);
  const theirs = ['wheel', 'touchstart', 'keydown'];
  stop = () => {
    grown.disconnect();
    clearTimeout(timer);
    for (const name of theirs) removeEventListener(name, end);
  };
  for (const name of theirs) addEventListener(name, end, { passive: true });
  grown.observe(page);
}
