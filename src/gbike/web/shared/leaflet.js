// The map that riders and operators look at, loaded when it is opened: its ground, which is plain unless a setting
// names tiles, its scale, and who made the tiles.
import '../vendor/leaflet.js';
import { loaded } from './anew.js';
import { language, t } from './text.js';

export const { L } = globalThis;
const CLOSEST = 19;
const said = (name) => document.querySelector(`meta[name="${name}"]`).getAttribute('content');
const TILES = said('map-tiles');
const MADE_BY = said('map-attribution');
const styled = (file) =>
  new Promise((resolve) => {
    const link = Object.assign(document.createElement('link'), {
      rel: 'stylesheet',
      href: new URL(file, import.meta.url),
    });
    Object.assign(link, { onload: resolve, onerror: resolve });
    document.head.append(link);
  });
await Promise.all(['../vendor/leaflet.css', './map.css'].map(styled));

const isDark = () => {
  const { look } = document.documentElement.dataset;
  return look ? look === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
};

// Of an archive only the pieces are asked for that are looked at, and what draws them is loaded for it alone. It says
// itself how close its tiles go.
async function archive() {
  const { default: drawing } = await loaded(() => import('../vendor/protomaps-leaflet.js'));
  const { p: file } = new drawing.PmtilesSource(TILES, false);
  const { maxZoom } = await file.getHeader();
  const flavor = isDark() ? 'dark' : 'light';
  return drawing.leafletLayer({ url: file, maxDataZoom: maxZoom, flavor, lang: language(), attribution: '' });
}

// A text, and an address that it leads to.
function attribution() {
  const [, words, address] = MADE_BY.match(/^(.*?)\s*(https?:\S+)?$/);
  const link = document.createElement(address ? 'a' : 'span');
  link.textContent = words || address || '';
  if (address) Object.assign(link, { href: address, target: '_blank', rel: 'noopener noreferrer' });
  return link.outerHTML;
}

async function lay(map) {
  try {
    const tiles = TILES.endsWith('.pmtiles') ? await archive() : L.tileLayer(TILES);
    if (!map.getContainer().isConnected) return; // the page was left
    if (MADE_BY) L.control.attribution({ prefix: false }).addAttribution(attribution()).addTo(map);
    tiles.addTo(map);
  } catch (failed) {
    console.warn(`map tiles: ${failed}`); // the places are there without them
  }
}

const BESIDE_ZOOM = [72, 0]; // px: a place below the buttons could not be chosen

// `fit` shows all that is known once it is known first; then the map stays where somebody moved it.
export function ground(box, zoom, margin) {
  const motion = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  const moves = { zoomAnimation: motion, fadeAnimation: motion, markerZoomAnimation: motion, inertia: motion };
  const map = L.map(box, {
    attributionControl: false,
    zoomControl: false,
    maxZoom: CLOSEST,
    zoomSnap: TILES ? 1 : 0.25,
    ...moves,
  });
  L.control.zoom({ zoomInTitle: t('zoomIn'), zoomOutTitle: t('zoomOut') }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.setView([37.36, 127.11], zoom);
  if (TILES) lay(map);
  let fitted = false;
  const fit = (placed) => {
    if (fitted || !placed.length) return;
    fitted = true;
    const all = L.latLngBounds(placed.map(({ lat, lon }) => [lat, lon]));
    map.fitBounds(all.pad(margin), { maxZoom: 16, animate: false, paddingTopLeft: BESIDE_ZOOM });
  };
  return { map, fit };
}
