import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allPlaces,
  byPlace,
  fee,
  isPlaced,
  lookedFor,
  nameOf,
  nextFee,
  statusOf,
} from '../../src/gbike/web/shared/rental.js';

const MINUTE = { krw: 100, per_s: 60, rounding: 'floor' };
const BEGUN = { ...MINUTE, rounding: 'ceil' };

test('whole minutes are charged, or begun ones and one at least', () => {
  const ridden = [-5, 0, 59_999, 60_000, 60_001, 120_000];
  assert.deepEqual(
    ridden.map((ms) => fee(MINUTE, ms)),
    [0, 0, 0, 100, 100, 200],
  );
  assert.deepEqual(
    ridden.map((ms) => fee(BEGUN, ms)),
    [100, 100, 100, 100, 200, 200],
  );
});

test('the next fee is due when the interval ends, and a moment later where begun ones count', () => {
  assert.deepEqual(nextFee(MINUTE, 45_000), { leftMs: 15_000, krw: 100 });
  assert.deepEqual(nextFee(BEGUN, 45_000), { leftMs: 15_000, krw: 200 });
});

test('a bike that somebody rides is in use before it says so itself', () => {
  const rides = new Map([[7, { rentid: 1, userid: 1, bikeid: 7, starttime: '' }]]);
  assert.equal(statusOf({ bikeid: 7, status: '사용가능' }, rides), 'taken');
  assert.equal(statusOf({ bikeid: 8, status: '사용가능' }, rides), 'free');
  assert.equal(statusOf({ bikeid: 8, status: '사용가능', retired: true }), 'gone');
  assert.equal(statusOf({ bikeid: 8, status: '불량' }), 'broken');
});

test('the equator is a place, nowhere is none', () => {
  assert.ok(isPlaced({ lat: 0, lon: 0 }));
  assert.ok(!isPlaced({ lat: null, lon: 127 }));
});

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
});

const KNOWN = ['구역_100호', '구역_9호', '구역_10호'].map((name) => ({ name, lat: null, lon: null, away: Infinity }));

test('every place is offered once, the known and those where bikes stand, 100 after 10', () => {
  const all = allPlaces(KNOWN, byPlace([{ bikeid: 1, location: '구역 10호 ' }, ...BIKES], null, 'ko'), null, 'ko');
  assert.deepEqual(
    all.map(({ name }) => name),
    ['구역 9', '구역_9호', '구역 10', '구역_10호', '구역_100호'],
  );
});

test('what is looked for begins with the place of that name', () => {
  const names = (text) => lookedFor(KNOWN, text).map(({ name }) => name);
  assert.deepEqual(names('구역 10호'.normalize('NFD')), ['구역_10호']);
  assert.deepEqual(names('10'), ['구역_100호', '구역_10호']);
  assert.deepEqual(names('구역 10'), ['구역_100호', '구역_10호']);
  assert.deepEqual(names('없는 곳'), []);
});

test('the nearest place comes first where it is known where somebody is, those without a position last', () => {
  const places = byPlace(BIKES, { lat: 37.1, lon: 127.1 }, 'ko');
  assert.deepEqual(
    places.map(({ name }) => name),
    ['구역 10', '구역 9', ''],
  );
  assert.ok(places[1].away > 11_000 && places[1].away < 15_000);
});
