import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allPlaces, lookedFor, meant } from '../../src/gbike/web/rider/offered.js';
import { byPlace } from '../../src/gbike/web/shared/places.js';

const BIKES = ['구역 10호 ', '구역 10', '구역 9', null].map((location, at) => ({ bikeid: at + 1, location }));
const STANDING = byPlace(BIKES, null, 'ko');
const KNOWN = ['구역_100호', '구역_9호', '구역_10호'].map((name) => ({ name, lat: null, lon: null, away: Infinity }));

test('every place is offered once, the known and those where bikes stand, 100 after 10', () => {
  const all = allPlaces(KNOWN, STANDING, null, 'ko');
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

test('a text means the place of that name, nothing while it is half of one, else itself', () => {
  assert.equal(meant(KNOWN, ' 구역 10호'.normalize('NFD')), '구역_10호');
  assert.equal(meant(KNOWN, '구역'), '');
  assert.equal(meant(KNOWN, ' 새 자리 '), '새 자리');
  assert.equal(meant([{ name: 'Dock 7', lat: null, lon: null, away: Infinity }], 'dock_7'), 'Dock 7');
});

test('how far a place is counts from where the rider is now', () => {
  const known = [{ name: '먼 곳', lat: 37.2, lon: 127.1, away: 1 }, ...KNOWN];
  const [first, ...others] = allPlaces(known, [], { lat: 37.1, lon: 127.1 }, 'ko');
  assert.equal(first.name, '먼 곳');
  assert.ok(first.away > 11_000 && first.away < 12_000);
  assert.ok(others.every(({ away }) => away === Infinity));
});
