// What an address means: a page, and what it is narrowed to. `#/bike/7?show=rides` outlives a reload and can be sent on.
import { useEffect, useState } from '../lib.js';

export function here() {
  const [path, query] = (location.hash.slice(1) || '/').split('?');
  return { path, query: Object.fromEntries(new URLSearchParams(query ?? '')) };
}

export function address(path, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return `#${path}${said.length ? `?${new URLSearchParams(said)}` : ''}`;
}

// Narrowing is no page of its own to go back to.
export function narrow(change) {
  const { path, query } = here();
  history.replaceState(null, '', address(path, { ...query, ...change }));
  dispatchEvent(new Event('narrowed'));
}

export function useRoute() {
  const [route, move] = useState(here());
  useEffect(() => {
    const moved = () => move(here());
    addEventListener('hashchange', moved);
    addEventListener('narrowed', moved);
    moved(); // where it led between drawing and listening
    return () => {
      removeEventListener('hashchange', moved);
      removeEventListener('narrowed', moved);
    };
  }, []);
  return route;
}
