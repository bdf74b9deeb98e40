// The places where free bikes stand, and the rider among them, loaded when it is opened.

import { standing } from '../shared/clusters.js';
import { discs } from '../shared/discs.js';
import { ground, L } from '../shared/leaflet.js';

export function draw(box, choose) {
  const { map, fit } = ground(box, 14, 0.25);
  const rider = L.layerGroup().addTo(map);
  Object.assign(map.createPane('rider').style, { zIndex: 650, pointerEvents: 'none' }); // above the discs
  const put = discs(map, choose);

  // Within the pale circle, where it is known how exact the place is.
  function showRider(here) {
    rider.clearLayers();
    if (!here) return;
    const [at, still] = [[here.lat, here.lon], { interactive: false }];
    if (here.accuracy > 0) L.circle(at, { radius: here.accuracy, className: 'within', ...still }).addTo(rider);
    L.circleMarker(at, { radius: 9, className: 'here', pane: 'rider', ...still }).addTo(rider);
  }

  function show(places, here) {
    const placed = standing(places).map((one) => ({ ...one, number: one.bikes.length }));
    fit(placed);
    showRider(here);
    put(placed);
  }

  return { show, remove: () => map.remove() };
}
