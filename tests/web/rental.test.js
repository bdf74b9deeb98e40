import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fee, isPlaced, nextFee, statusOf } from '../../src/gbike/web/shared/rental.js';

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
