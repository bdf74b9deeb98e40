// The places where bikes stand as pins on the map, loaded when it is opened.

import { ground, L } from '../shared/leaflet.js';
import { isPlaced } from '../shared/rental.js';
import { place, t } from '../shared/text.js';

const APART_PX = 52; // a pin is 44 wide

export function draw(box, choose) {
  const { map, fit } = ground(box, 14, 0.25);
  const marks = L.layerGroup().addTo(map);
  let [known, me] = [[], null];

  function pin(group) {
    const count = group.reduce((sum, one) => sum + one.bikes.length, 0);
    const text = document.createElement('span');
    text.textContent = count;
    const icon = L.divIcon({ html: text, className: 'pin', iconSize: [44, 44] });
    const title = `${group.map((one) => place(one.name)).join(', ')}: ${t('count', count)}`;
    const mark = L.marker([group[0].lat, group[0].lon], { icon, title, keyboard: true }).addTo(marks);
    mark
      .on('click', () => choose(group.map((one) => one.name)))
      .getElement()
      .setAttribute('aria-label', title);
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
    [known, me] = [places.filter(isPlaced), here];
    fit(known);
    redraw();
  }

  return { show, remove: () => map.remove() };
}
