import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byPlace, isNamed, nameOf } from '../../src/gbike/web/shared/places.js';

const BIKES = [
  { bikeid: 1, location: '구역 10', batterylevel: 20, lat: 37.1, lon: 127 },
  { bikeid: 2, location: '구역 9', batterylevel: 80, lat: 37.2, lon: 127 },
  { bikeid: 3, location: '구역 10', batterylevel: 90, lat: 37.1, lon: 127.2 },
  { bikeid: 4, location: null, batterylevel: null, lat: null, lon: null },
];

test('places are sorted by name as people count, the fullest bike first', () => {
  const places = byPlace(BIKES, null, 'ko');
  assert.deepEqual(
    places.map(({ name }) => name),
    ['', '구역 9', '구역 10'],
  );
  assert.deepEqual(
    places[2].bikes.map(({ bikeid }) => bikeid),
    [3, 1],
  );
  assert.deepEqual([places[2].lat, places[2].lon?.toFixed(1), places[2].away], [37.1, '127.1', Infinity]);
});

test('a name is one however it is written, and its bikes stand together', () => {
  const written = ['도착역', '도착역 ', '도착역'.normalize('NFD'), ' 도착역\t'];
  const bikes = written.map((location, at) => ({ bikeid: at + 1, location }));
  assert.deepEqual(
    byPlace(bikes, null, 'ko').map((one) => [one.name, one.bikes.length]),
    [['도착역', 4]],
  );
  assert.equal(nameOf('분당_정자역__1구역'), nameOf('분당 정자역 1구역'));
  assert.equal(nameOf('Dock 7'), nameOf(' DOCK_7'));
  assert.notEqual(nameOf('도착역 1'), nameOf('도착역1'));
  const known = ['도착역 ', 'dock 7'].map((name) => ({ name }));
  assert.deepEqual(known.map(isNamed(['Dock_7', null])), [false, true]);
});

test('the nearest place comes first where it is known where somebody is, those without a position last', () => {
  const places = byPlace(BIKES, { lat: 37.1, lon: 127.1 }, 'ko');
  assert.deepEqual(
    places.map(({ name }) => name),
    ['구역 10', '구역 9', ''],
  );
  assert.ok(places[1].away > 11_000 && places[1].away < 15_000);
});
