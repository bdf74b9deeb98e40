// The map, loaded when it is opened. Without a setting for tiles it is a plain ground with the places on it.
import { place, t } from './text.js';

const TILES = document.querySelector('meta[name="map-tiles"]').content;
const HERE = new URL('.', import.meta.url);
const NEAR = 16;

await Promise.all([import('./vendor/leaflet.js'), styled()]);
const { L } = globalThis;

function styled() {
  return new Promise((resolve) => {
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href: new URL('vendor/leaflet.css', HERE), onload: resolve, onerror: resolve });
    document.head.append(link);
  });
}

export function draw(box, choose) {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const motion = !still;
  const map = L.map(box, { attributionControl: false, zoomAnimation: motion, fadeAnimation: motion, markerZoomAnimation: motion });
  if (TILES) L.tileLayer(TILES, { maxZoom: 19 }).addTo(map);
  map.setView([37.36, 127.11], 14);
  const marks = L.layerGroup().addTo(map);
  let placed = false;

  function show(places, here) {
    marks.clearLayers();
    const known = places.filter(({ lat }) => lat !== null);
    for (const one of known) {
      const pin = document.createElement('span');
      pin.textContent = one.bikes.length;
      const icon = L.divIcon({ html: pin, className: 'pin', iconSize: [44, 44] });
      const title = `${place(one.name)}, ${t('count', one.bikes.length)}`;
      const mark = L.marker([one.lat, one.lon], { icon, title, keyboard: true }).addTo(marks).on('click', () => choose(one.name));
      mark.getElement()?.setAttribute('aria-label', title);
    }
    if (here) L.circleMarker([here.lat, here.lon], { radius: 9, className: 'here', interactive: false }).addTo(marks);
    if (!placed && known.length) {
      map.fitBounds(L.latLngBounds(known.map(({ lat, lon }) => [lat, lon])).pad(0.25), { maxZoom: NEAR, animate: false });
      placed = true;
    }
  }

  return { show, remove: () => map.remove() };
}
