// The map, loaded when it is opened. Without a setting for tiles it is a plain ground with the places on it.
import { place, t } from './text.js';

const TILES = document.querySelector('meta[name="map-tiles"]').content;
const HERE = new URL('.', import.meta.url);
const NEAR = 16;
const APART_PX = 52; // a pin is 44 wide

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
  let [placed, known, me] = [false, [], null];

  function pin(group) {
    const count = group.reduce((sum, one) => sum + one.bikes.length, 0);
    const text = document.createElement('span');
    text.textContent = count;
    const icon = L.divIcon({ html: text, className: 'pin', iconSize: [44, 44] });
    const title = `${group.map((one) => place(one.name)).join(', ')}: ${t('count', count)}`;
    const mark = L.marker([group[0].lat, group[0].lon], { icon, title, keyboard: true }).addTo(marks);
    mark.on('click', () => choose(group.map((one) => one.name))).getElement().setAttribute('aria-label', title);
  }

  // Places too close to be touched apart are one pin until somebody looks closer.
  function together() {
    const groups = [];
    for (const one of known) {
      const at = map.latLngToLayerPoint([one.lat, one.lon]);
      const near = groups.find((group) => group.at.distanceTo(at) < APART_PX);
      if (near) near.places.push(one);
      else groups.push({ at, places: [one] });
    }
    return groups.map((group) => group.places);
  }

  function redraw() {
    marks.clearLayers();
    together().forEach(pin);
    if (me) L.circleMarker([me.lat, me.lon], { radius: 9, className: 'here', interactive: false }).addTo(marks);
  }
  map.on('zoomend', redraw);

  function show(places, here) {
    [known, me] = [places.filter(({ lat }) => lat !== null), here];
    if (!placed && known.length) {
      map.fitBounds(L.latLngBounds(known.map(({ lat, lon }) => [lat, lon])).pad(0.25), { maxZoom: NEAR, animate: false });
      placed = true;
    }
    redraw();
  }

  return { show, remove: () => map.remove() };
}
