// Where one thing is, on a map of its own: loaded with the map's library when it is looked at.
import { ground, L } from '../../shared/leaflet.js';

const CLOSE = 16;

export function draw(box) {
  const { map, fit } = ground(box, CLOSE, 0.2);
  let pins = [];

  // `spots`: { lat, lon, words, kind }.
  function show(spots) {
    for (const pin of pins) pin.remove();
    const icon = (kind) => L.divIcon({ className: `spot is-${kind}`, iconSize: [20, 20] });
    pins = spots.map(({ lat, lon, words, kind }) =>
      L.marker([lat, lon], { icon: icon(kind), title: words, alt: words, keyboard: false }).addTo(map),
    );
    fit(spots);
    if (spots.length === 1) map.panTo([spots[0].lat, spots[0].lon]);
  }

  return { show, remove: () => map.remove() };
}
