// The map that riders and operators look at, loaded when it is opened. Without a setting for tiles it is plain ground.
import '../vendor/leaflet.js';
import { t } from './text.js';

export const { L } = globalThis;
const TILES = document.querySelector('meta[name="map-tiles"]').getAttribute('content');
const styled = Object.assign(document.createElement('link'), {
  rel: 'stylesheet',
  href: new URL('../vendor/leaflet.css', import.meta.url),
});
await new Promise((resolve) => {
  Object.assign(styled, { onload: resolve, onerror: resolve });
  document.head.append(styled);
});

// `fit` shows all that is known once it is known first; then the map stays where somebody moved it.
export function ground(box, zoom, margin) {
  const motion = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  const moves = { zoomAnimation: motion, fadeAnimation: motion, markerZoomAnimation: motion, inertia: motion };
  const map = L.map(box, { attributionControl: false, zoomControl: false, ...moves });
  L.control.zoom({ zoomInTitle: t('zoomIn'), zoomOutTitle: t('zoomOut') }).addTo(map);
  if (TILES) L.tileLayer(TILES, { maxZoom: 19 }).addTo(map);
  map.setView([37.36, 127.11], zoom);
  let fitted = false;
  const fit = (placed) => {
    if (fitted || !placed.length) return;
    fitted = true;
    const all = L.latLngBounds(placed.map(({ lat, lon }) => [lat, lon]));
    map.fitBounds(all.pad(margin), { maxZoom: 16, animate: false });
  };
  return { map, fit };
}
