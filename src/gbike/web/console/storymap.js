// Where a bike stood, each point with its number in the order of time, and a line from one to the next. Loaded when it
// is opened.
import { ground, L } from '../shared/leaflet.js';

const sign = (words) => Object.assign(document.createElement('span'), { textContent: words });

export function draw(box) {
  const { map, fit } = ground(box, 14, 0.2);
  const layer = L.layerGroup().addTo(map);
  map.getContainer().dataset.drawn = '';

  function show(ends) {
    layer.clearLayers();
    fit(ends);
    L.polyline(
      ends.map(({ lat, lon }) => [lat, lon]),
      { className: 'path', interactive: false },
    ).addTo(layer);
    for (const [index, { lat, lon }] of ends.entries()) {
      const isLast = index === ends.length - 1;
      const icon = L.divIcon({
        html: sign(`${index + 1}`),
        className: isLast ? 'pin end' : 'pin none end',
        iconSize: [30, 30],
      });
      L.marker([lat, lon], { icon, interactive: false, keyboard: false, zIndexOffset: index }).addTo(layer);
    }
    map.getContainer().dataset.drawn = ends.length;
  }

  return { show, remove: () => map.remove() };
}
