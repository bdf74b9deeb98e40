import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clock,
  far,
  language,
  lasting,
  learn,
  place,
  price,
  t,
  use,
  waitFor,
  won,
} from '../../src/gbike/web/shared/text.js';

const SECOND = 1000;
const HOUR = 3_600_000;

test('money, prices and places as people write them', () => {
  use('ko');
  assert.deepEqual(
    [won(12_000), won(-500), price({ krw: 100, per_s: 60, rounding: 'ceil' })],
    ['12,000원', '−500원', '1분에 100원'],
  );
  use('en');
  assert.deepEqual(
    [won(12_000), won(-500), price({ krw: 100, per_s: 90, rounding: 'ceil' })],
    ['₩12,000', '−₩500', '₩100 per 1 min 30 s'],
  );
  assert.equal(place('분당_정자역_1구역'), '분당 정자역 1구역');
  assert.equal(place(''), 'Place unknown');
});

test('a time lasts in its two largest units, and a clock shows hours once there are some', () => {
  use('ko');
  assert.deepEqual([0, 20 * SECOND, 200 * SECOND, HOUR, HOUR + 61 * SECOND].map(lasting), [
    '0초',
    '20초',
    '3분 20초',
    '1시간',
    '1시간 1분',
  ]);
  assert.deepEqual([-1, 61 * SECOND, HOUR + 61 * SECOND].map(clock), ['00:00', '01:01', '1:01:01']);
});

test('a wait is told in seconds below a minute, else in whole minutes', () => {
  use('ko');
  assert.deepEqual([5, 59, 60, 61, 899, 3600].map(waitFor), ['5초', '59초', '1분', '2분', '15분', '1시간']);
});

test('distances are rounded to what somebody sees', () => {
  assert.deepEqual([4, 444, 1444].map(far), ['0 m', '440 m', '1.4 km']);
});

test('a page that comes later brings its words', () => {
  learn({ ko: { planted: '심은 말' }, en: { planted: (n) => `${n} planted` } });
  use('en');
  assert.deepEqual([t('planted', 3), language()], ['3 planted', 'en']);
});
