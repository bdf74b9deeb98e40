// The places of a map as discs with their numbers of bikes and their names; those too near to each other are one disc,
// which opens when it is tapped. Discs that stay keep their element, so that whoever is there with the keyboard stays.
import { clusters, labelled, widthOf } from './clusters.js';
import { L } from './leaflet.js';
import { place, t } from './text.js';

const CLOSEST = 18; // a cluster that does not fall apart at this zoom never does
const SPARE = 0.5; // of the view, around it

const part = (className, textContent = '') => Object.assign(document.createElement('span'), { className, textContent });

// `choose` is told the names of the places that were tapped; `said` what a disc stands for, in words; `beside` which
// signs stand at its edge, each with a number.
export function discs(map, choose, said = (one) => t('count', one.number), beside = (_one) => []) {
  /** @type {Map<string, { mark: any, group: Cluster, looks: string }>} */
  const shown = new Map();
  let places = [];
  let all = [];
  let names = new Set();
  let zoom = null;
  let opened = null; // the places of the cluster that was opened by whoever is there with the keyboard

  const at = (one) => map.project([one.lat, one.lon], map.getZoom());
  const isCluster = (group) => group.places.length > 1;
  const nameOf = (group) => (isCluster(group) ? t('places', group.places.length) : place(group.places[0].name));
  const keyOf = (group) => group.places.map(({ name, lat, lon }) => name || `${lat} ${lon}`).join('\n');

  function title(group) {
    if (isCluster(group)) return `${nameOf(group)}, ${said(group)}. ${t('zoomIn')}`;
    return `${nameOf(group)}: ${said(group)}`;
  }

  function icon(group) {
    const html = part('');
    html.setAttribute('aria-hidden', 'true');
    html.append(part('number', `${group.number}`));
    if (isCluster(group)) html.append(part('several', nameOf(group)));
    if (names.has(group)) html.append(part('label', nameOf(group)));
    const edge = part('edge');
    for (const [sign, count] of beside(group)) edge.append(part(`sign-of is-${sign}`), `${count}`);
    if (edge.childNodes.length) html.append(edge);
    const kind = `pin ${isCluster(group) ? 'cluster' : ''} ${group.number ? '' : 'none'}`;
    const width = widthOf(group.number, group.places.length);
    return L.divIcon({ html, className: kind, iconSize: [width, width] });
  }

  function put(group) {
    const key = keyOf(group);
    const known = shown.get(key);
    const where = map.unproject([group.x, group.y], map.getZoom());
    const mark = known?.mark ?? L.marker(where, { icon: icon(group), keyboard: true }).addTo(map);
    const name = title(group);
    const looks = [name, names.has(group), group.x, group.y, map.getZoom()].join();
    const one = known ?? { mark, group, looks };
    one.group = group;
    shown.set(key, one);
    if (known && known.looks !== looks) mark.setLatLng(where).setIcon(icon(group));
    one.looks = looks;
    const element = mark.getElement();
    element.title = name;
    element.setAttribute('aria-label', name);
    if (known) return;
    mark.on('click', () => tapped(one.group, element));
    element.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return; // Leaflet clicks nothing with a key
      event.preventDefault();
      tapped(one.group, element);
    });
  }

  // Closer, until the cluster falls apart; a list where it never does.
  function tapped(group, element) {
    const closest = (one) => map.project([one.lat, one.lon], CLOSEST);
    if (!isCluster(group) || clusters(group.places, closest).length === 1) {
      choose(group.places.map(({ name }) => name));
      return;
    }
    const bounds = L.latLngBounds(group.places.map(({ lat, lon }) => [lat, lon]));
    const closer = Math.max(map.getZoom() + 1, Math.min(CLOSEST, map.getBoundsZoom(bounds.pad(0.2))));
    if (document.activeElement === element) opened = new Set(group.places.map(({ name }) => name));
    map.setView(bounds.getCenter(), closer);
  }

  function draw() {
    if (zoom !== map.getZoom()) {
      zoom = map.getZoom();
      all = clusters(places, at);
    }
    const view = map.getPixelBounds();
    const spare = view.getSize().multiplyBy(SPARE);
    const seen = L.bounds(view.min.subtract(spare), view.max.add(spare));
    const some = all.filter(({ x, y }) => seen.contains([x, y]));
    names = labelled(some, nameOf);
    const kept = new Set(some.map(keyOf));
    for (const [key, { mark }] of shown) {
      if (kept.has(key)) continue;
      mark.remove();
      shown.delete(key);
    }
    some.forEach(put);
    focusAgain();
  }

  function focusAgain() {
    if (!opened) return;
    const inside = [...shown.values()].find(({ group }) => group.places.some(({ name }) => opened.has(name)));
    inside?.mark.getElement().focus({ preventScroll: true });
    opened = null;
  }

  map.on('moveend', draw);

  // `some`: with `name`, `lat`, `lon` and the `number` that stands in the disc.
  return (some) => {
    places = some;
    zoom = null;
    draw();
  };
}
