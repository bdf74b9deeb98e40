// A map on which a point is chosen: where it is tapped the mark stands. Loaded when it is opened.
import { ground, L } from '../shared/leaflet.js';

export function draw(box, choose) {
  const { map, fit } = ground(box, 14, 0.2);
  let mark = null;
  const put = (at) => {
    mark?.remove();
    mark = L.circleMarker(at, { radius: 10, className: 'here', interactive: false }).addTo(map);
  };
  map.on('click', ({ latlng }) => {
    put(latlng);
    choose({ lat: latlng.lat, lon: latlng.lng });
  });

  // `at`: where it is; `near`: where it was last, where that is not known.
  function show(at, near) {
    map.invalidateSize();
    if (at || near) fit([at ?? near]);
    if (at && !mark) put([at.lat, at.lon]);
  }

  return { show, remove: () => map.remove() };
}
