import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meantBy } from '../../src/gbike/web/console/keys.js';
import { thingsOf, WAYS } from '../../src/gbike/web/console/ways.js';

const NOW = { typing: false, waiting: false, on: true };
const meant = (event, now = {}) => meantBy(event, { ...NOW, ...now });

test('keys mean something while nobody writes', () => {
  assert.equal(meant({ key: '/' }), 'search');
  assert.equal(meant({ key: '?', shiftKey: true }), 'keys');
  assert.equal(meant({ key: 'g' }), 'wait');
  assert.deepEqual(meant({ key: 'b' }, { waiting: true }), { go: 'b' });
  assert.equal(meant({ key: 'b' }), null);
});

test('a Korean keyboard has the same shortcuts', () => {
  assert.equal(meant({ key: 'ㅎ', code: 'KeyG' }), 'wait');
  assert.deepEqual(meant({ key: 'ㅠ', code: 'KeyB' }, { waiting: true }), { go: 'b' });
  assert.equal(meant({ key: 'ㅏ', code: 'KeyK', ctrlKey: true }), 'palette');
});

test('who writes is left alone, but for the palette; single keys can be turned off', () => {
  for (const key of ['/', '?', 'g']) assert.equal(meant({ key }, { typing: true }), null);
  for (const key of ['/', '?', 'g']) assert.equal(meant({ key }, { on: false }), null);
  assert.equal(meant({ key: 'k', ctrlKey: true }, { typing: true }), 'palette');
  assert.equal(meant({ key: 'K', metaKey: true }, { on: false }), 'palette');
  assert.equal(meant({ key: 'g', ctrlKey: true }), null);
});

test('no two pages have the same letter', () => {
  assert.equal(new Set(WAYS.map(([, , , letter]) => letter)).size, WAYS.length);
});

test('a thing is found by its kind and number, in either language', () => {
  const ways = (words) => thingsOf(words).map(({ href }) => href);
  for (const words of ['bike 17', 'Bike17', '17번', '자전거 17번', '17번 자전거', 'b 017'])
    assert.equal(ways(words)[0], '#/bike/17', words);
  for (const words of ['ride 5', '대여 5', '이용 5']) assert.deepEqual(ways(words), ['#/ride/5'], words);
  assert.deepEqual(ways('이용자 3'), ['#/rider/3']);
  assert.deepEqual(ways('청구 8'), ['#/bill/8']);
  assert.equal(ways('12').length, 4);
  for (const words of ['', 'bike', 'boat 3', '0', '정자역 3 번 출구']) assert.deepEqual(ways(words), [], words);
});
