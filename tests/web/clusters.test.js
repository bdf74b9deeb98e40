import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusters, labelled, nameWidth, standing, widthOf } from '../../src/gbike/web/shared/clusters.js';

const disc = (name, x, y, number = 1) => ({ name, lat: y, lon: x, number });
const at = ({ lat, lon }) => ({ x: lon, y: lat });
const named = (all) => all.map(({ places }) => places.map(({ name }) => name));

test('a disc grows with its bikes, between what a finger hits and what a map bears', () => {
  assert.equal(widthOf(0), 44);
  assert.ok(widthOf(9) > widthOf(4));
  assert.equal(widthOf(100_000), 72);
  assert.ok(widthOf(1, 2) > widthOf(1), 'a cluster says of how many places it is');
});

test('places that touch are one cluster, counted together, at the fullest of them', () => {
  const [one, other] = clusters([disc('a', 0, 0), disc('b', 30, 0, 5), disc('c', 500, 0)], at);
  assert.deepEqual(named([one, other]), [['b', 'a'], ['c']]);
  assert.deepEqual([one.x, one.number], [30, 6]);
});

test('of many places each is in one cluster, and none is counted twice', () => {
  const many = Array.from({ length: 3000 }, (_, n) => disc(`${n}`, (n * 7919) % 2000, (n * 104_729) % 2000, n % 7));
  const all = clusters(many, at);
  assert.equal(all.flatMap(({ places }) => places).length, many.length);
  assert.equal(
    all.reduce((sum, { number }) => sum + number, 0),
    many.reduce((sum, { number }) => sum + number, 0),
  );
  assert.ok(all.length > 100 && all.length < many.length);
});

test('the same places are the same clusters in whatever order they come', () => {
  const some = [disc('a', 0, 0), disc('b', 40, 0), disc('c', 80, 0)];
  assert.deepEqual(named(clusters(some, at)), named(clusters([...some].reverse(), at)));
});

test('a name is written where it covers no other name or disc, the fullest first', () => {
  const some = [disc('a', 0, 0, 9), disc('b', 90, 0, 2), disc('c', 600, 0)];
  const all = clusters(some, at);
  const long = labelled(all, () => '아주 긴 이름의 장소');
  assert.deepEqual(named([...long]), [['a'], ['c']]);
  assert.equal(labelled(all, () => 'a').size, 3);
  assert.ok(nameWidth('가나다') > nameWidth('abc'));
});

test('bikes without a place stand where they are, and not in the middle of all of them', () => {
  const bike = (lat, lon) => ({ bikeid: 1, lat, lon });
  const nowhere = { name: '', bikes: [bike(37, 127), bike(38, 128), bike(null, null)], lat: 37.5, lon: 127.5, away: 0 };
  const known = { name: '정자역', bikes: [bike(37, 127)], lat: 37, lon: 127, away: 0 };
  const unknown = { name: '어딘가', bikes: [bike(null, null)], lat: null, lon: null, away: 0 };
  const found = standing([nowhere, known, unknown]).map(({ lat, bikes }) => [lat, bikes.length]);
  assert.deepEqual(found, [
    [37, 1],
    [38, 1],
    [37, 1],
  ]);
});
