// What the pages of bills and of the audit log make of what their services answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeOf, leftOf, tariffOf } from '../../src/gbike/web/console/desk/bills.js';
import { changes, merged, subjectMeant, subjectOf } from '../../src/gbike/web/console/desk/trail.js';

test('a tariff is read from the stamp of a bill', () => {
  assert.deepEqual(tariffOf('250/600s ceil'), { krw: 250, per_s: 600, rounding: 'ceil' });
  assert.equal(tariffOf(null), null);
  assert.equal(tariffOf('free'), null);
});

test('of a fee is left what was not given back, and never less than nothing', () => {
  assert.equal(leftOf({ fee: 1000, refunded: 300 }), 700);
  assert.equal(leftOf({ fee: 1000 }), 1000);
  assert.equal(leftOf({ fee: null, refunded: 0 }), 0);
  assert.equal(leftOf({ fee: 1000, refunded: 1200 }), 0);
});

test('a cause tells what it was and its number', () => {
  assert.deepEqual(causeOf('billCorrection:7'), { kind: 'billCorrection', of: '7' });
  assert.deepEqual(causeOf('opening'), { kind: 'opening', of: '' });
});

const row = (/** @type {string} */ service, /** @type {number} */ number, /** @type {string} */ second) => ({
  service,
  number,
  at: `2026-11-30T09:00:${second}.000Z`,
  action: 'x',
  subject: 'bike:1',
  who: 'demo',
  before: {},
  after: {},
});

test('the logs are one, the newest first, only down to where each of them is known', () => {
  const rent = { rows: [row('rent', 9, '50'), row('rent', 8, '40')], total: 9 };
  const bike = { rows: [row('bike', 2, '45'), row('bike', 1, '10')], total: 2 };
  const { rows, isCut } = merged([rent, bike]);
  assert.deepEqual(
    rows.map(({ service, number }) => `${service} ${number}`),
    ['rent 9', 'bike 2', 'rent 8'],
  );
  assert.equal(isCut, true);
  const whole = merged([{ ...rent, total: 2 }, bike]);
  assert.equal(whole.rows.length, 4);
  assert.equal(whole.isCut, false);
  assert.deepEqual(merged([]), { rows: [], isCut: false });
});

test('what changed is told with what was before, what stayed is not', () => {
  const before = { roles: ['rider'], managerid: null };
  const after = { roles: ['rider', 'admin'], managerid: null, reason: 'new' };
  assert.deepEqual(changes(before, after), [
    ['roles', ['rider'], ['rider', 'admin']],
    ['reason', undefined, 'new'],
  ]);
});

test('what a row is about has its page, where there is one', () => {
  assert.deepEqual(subjectOf('user:7'), { kind: 'user', of: '7', page: '#/rider/7' });
  assert.equal(subjectOf('places').page, null);
  assert.equal(subjectOf('bike:javascript').page, null);
});

test('what a row is about is asked for as people say it', () => {
  const kinds = [
    ['user', '이용자'],
    ['bike', '자전거'],
  ];
  for (const typed of ['자전거 17', '17번 자전거', 'bike:17', '자전거17']) {
    assert.equal(subjectMeant(typed, kinds), 'bike:17');
  }
  assert.equal(subjectMeant('user:7', kinds), 'user:7');
  assert.equal(subjectMeant(' outbox ', kinds), 'outbox');
});
