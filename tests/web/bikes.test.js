import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedRides, found } from '../../src/gbike/web/console/bikes.js';

const ride = (bikeid, rentid, userid) => [
  bikeid,
  { rentid, userid, bikeid, starttime: `2026-01-01T00:00:0${rentid}Z` },
];
const FLEET = new Map(
  [
    { bikeid: 1, status: '사용가능', location: '정자역', batterylevel: 15 },
    { bikeid: 2, status: '사용가능', location: '미금역', batterylevel: 60 },
    { bikeid: 13, status: '불량', location: '정자역', batterylevel: null },
  ].map((bike) => [bike.bikeid, bike]),
);
const RIDES = new Map([ride(2, 5, 1003)]);
const look = (query) => found(FLEET, RIDES, query).map(({ bikeid }) => bikeid);

test('what is looked for narrows together', () => {
  assert.deepEqual(look({}), [1, 2, 13]);
  assert.deepEqual(look({ status: 'taken' }), [2]);
  assert.deepEqual(look({ place: '정자역', status: 'broken' }), [13]);
  assert.deepEqual(look({ q: '1' }), [1, 13]);
  assert.deepEqual(look({ q: ' 미금 ' }), [2]);
  assert.deepEqual(look({ q: '1003' }), [2]);
});

test('places are in the order of their numbers, and one name is one place', () => {
  const doors = ['100호', '10호 ', '9호', '10호'].map((location, at) => [at + 1, { bikeid: at + 1, location }]);
  const at = (query) => found(new Map(doors), RIDES, query).map(({ bikeid }) => bikeid);
  assert.deepEqual(at({ sort: 'place' }), [3, 2, 4, 1]);
  assert.deepEqual(at({ place: '10호' }), [2, 4]);
});

test('chosen bikes are found by their numbers, whatever stands between them', () => {
  assert.deepEqual(look({ bikes: '13.1.99' }), [1, 13]);
  assert.deepEqual(look({ bikes: '13.1', status: 'free' }), [1]);
  assert.deepEqual(look({ bikes: 'x' }), []);
});

test('a bike is found by its label', () => {
  const fleet = new Map([[1, { bikeid: 1, label: 'SPB-03001' }]]);
  assert.equal(found(fleet, RIDES, { q: 'spb-03' }).length, 1);
  assert.equal(found(fleet, RIDES, { q: 'spb-04' }).length, 0);
});

test('a bike of unknown charge is not below any', () => {
  assert.deepEqual(look({ battery: '20' }), [1]);
});

test('equals stay in the order of their numbers, either way', () => {
  assert.deepEqual(look({ sort: 'place' }), [2, 1, 13]);
  assert.deepEqual(look({ sort: 'place', down: '1' }), [1, 13, 2]);
  assert.deepEqual(look({ sort: 'nonsense' }), [1, 2, 13]);
});

test('rides that began, ended or followed each other are changes', () => {
  const [before, now] = [new Map([ride(1, 1), ride(2, 2), ride(3, 3)]), new Map([ride(2, 2), ride(3, 4), ride(4, 5)])];
  assert.deepEqual(changedRides(before, now), [1, 3, 4]);
});
