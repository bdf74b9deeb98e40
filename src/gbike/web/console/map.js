// Ten thousand bikes on a map: drawn on one canvas as signs of differing shape and colour, each place of it once; and
// above them their places as discs, which tell how many are free there.

import { standing } from '../shared/clusters.js';
import { discs } from '../shared/discs.js';
import { ground, L } from '../shared/leaflet.js';
import { byPlace } from '../shared/places.js';
import { isPlaced, statusOf } from '../shared/rental.js';
import { state } from '../shared/state.js';
import { language, t } from '../shared/text.js';
import { countedBy, STATUSES } from './bikes.js';

const SIGN = 14; // px
const CELL = 7; // px: of signs nearer to each other than this one is drawn
const NEAR = 22; // px: as far from a sign as a finger may be
const SPARE = 0.25; // of the view, drawn around it, so that a drag shows no edge
const RANK = { broken: 2, free: 1, taken: 0 }; // what is in trouble is drawn last, above the others

const SHAPES = {
  free: (pen, r) => pen.arc(0, 0, r, 0, 7),
  taken: (pen, r) => pen.rect(-r * 0.85, -r * 0.85, r * 1.7, r * 1.7),
  broken: (pen, r) => {
    pen.moveTo(0, -r * 1.15);
    pen.lineTo(r * 1.15, r * 0.9);
    pen.lineTo(-r * 1.15, r * 0.9);
    pen.closePath();
  },
};
const COLOURS = { free: '--accent', taken: '--taken', broken: '--warn' };

function signs(ratio) {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    Object.entries(SHAPES).map(([status, shape]) => {
      const sign = document.createElement('canvas');
      sign.width = sign.height = Math.ceil((SIGN + 6) * ratio);
      const pen = sign.getContext('2d');
      pen.scale(ratio, ratio);
      pen.translate(SIGN / 2 + 3, SIGN / 2 + 3);
      pen.beginPath();
      shape(pen, SIGN / 2 - 1);
      pen.fillStyle = style.getPropertyValue(COLOURS[status]);
      pen.strokeStyle = style.getPropertyValue('--surface');
      pen.lineWidth = 2;
      pen.fill();
      pen.stroke();
      return [status, sign];
    }),
  );
}

const Signs = L.Layer.extend({
  onAdd(map) {
    this.canvas = L.DomUtil.create('canvas', 'signs leaflet-zoom-hide');
    this.canvas.setAttribute('aria-hidden', 'true');
    map.getPane('overlayPane').append(this.canvas);
    map.on('moveend zoomend resize', this.draw, this);
    this.draw();
  },
  onRemove(map) {
    this.canvas.remove();
    map.off('moveend zoomend resize', this.draw, this);
  },
  show(bikes) {
    const at = ({ lat, lon }) => L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), 0);
    this.bikes = bikes
      .map((bike) => ({ bikeid: bike.bikeid, status: statusOf(bike, state.rides), at: at(bike) }))
      .sort((a, b) => RANK[a.status] - RANK[b.status]);
    this.drawn = null; // the colours may be others by now
    if (this._map) this.draw();
  },
  draw() {
    const size = this._map.getSize();
    const edge = size.multiplyBy(SPARE).round();
    const [width, height] = [size.x + edge.x * 2, size.y + edge.y * 2];
    const ratio = Math.min(devicePixelRatio || 1, 2);
    L.DomUtil.setPosition(this.canvas, this._map.containerPointToLayerPoint(edge.multiplyBy(-1)));
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const pen = this.canvas.getContext('2d');
    if (this.drawn?.ratio !== ratio) this.drawn = { ratio, ...signs(ratio) };
    const scale = 2 ** this._map.getZoom();
    const corner = this._map.getPixelBounds().min.subtract(edge);
    const bikes = this.bikes ?? [];
    const [across, down] = [width, height].map((px) => Math.ceil((px + 2 * SIGN) / CELL));
    const cellOf = ({ at }) => {
      const column = Math.floor((at.x * scale - corner.x + SIGN) / CELL);
      const row = Math.floor((at.y * scale - corner.y + SIGN) / CELL);
      return column < 0 || row < 0 || column >= across || row >= down ? -1 : row * across + column;
    };
    const last = new Int32Array(across * down); // whose sign a cell shows, counted from 1: who comes later is above
    bikes.forEach((bike, number) => {
      last[cellOf(bike)] = number + 1;
    });
    let count = 0;
    bikes.forEach((bike, number) => {
      if (last[cellOf(bike)] !== number + 1) return;
      const sign = this.drawn[bike.status];
      const [x, y] = [bike.at.x * scale - corner.x, bike.at.y * scale - corner.y];
      pen.drawImage(sign, Math.round(x * ratio - sign.width / 2), Math.round(y * ratio - sign.height / 2));
      count += 1;
    });
    this.canvas.dataset.signs = count;
  },
  nearest(where) {
    const scale = 2 ** this._map.getZoom();
    const corner = this._map.getPixelBounds().min;
    let [best, least] = [null, NEAR];
    for (const { bikeid, at } of this.bikes ?? []) {
      const away = Math.hypot(at.x * scale - corner.x - where.x, at.y * scale - corner.y - where.y);
      if (away <= least) [best, least] = [bikeid, away];
    }
    return best;
  },
});

// How many bikes of each status stand at the places of a disc.
function countsOf({ places }) {
  const sum = (status) => places.reduce((count, { counts }) => count + counts[status], 0);
  return Object.fromEntries(STATUSES.map((status) => [status, sum(status)]));
}

export function draw(box, choose) {
  const { map, fit } = ground(box, 13, 0.2);
  const layer = new Signs().addTo(map);
  let looked = [...STATUSES];
  const said = (disc) => looked.map((status) => `${t(status)} ${countsOf(disc)[status]}`).join(', ');
  const beside = (disc) => Object.entries(countsOf(disc)).filter(([status, count]) => status !== 'free' && count);
  const put = discs(map, (places) => choose({ places }), said, beside);
  map.on('click', ({ containerPoint }) => choose({ bikeid: layer.nearest(containerPoint) }));

  // `layers`: which statuses are looked at, and whether places are.
  function show(bikes, layers) {
    looked = STATUSES.filter((status) => layers.includes(status));
    const placed = bikes.filter(isPlaced);
    const some = placed.filter((bike) => looked.includes(statusOf(bike, state.rides)));
    fit(placed);
    layer.show(some);
    put(layers.includes('place') ? standing(byPlace(some, null, language())).map(disc) : []);
  }

  // The free ones where those are looked at, else all that are.
  function disc(one) {
    const counts = countedBy(one.bikes, state.rides);
    const number = looked.includes('free') ? counts.free : one.bikes.length;
    return { ...one, counts, number };
  }

  return { show, remove: () => map.remove() };
}
