import assert from 'node:assert/strict';
import { test } from 'node:test';
import { understoodFields } from '../../src/gbike/web/console/given.js';

const REASON = { name: 'reason', kind: 'reason' };
const given = (written, ...fields) => understoodFields(written, [...fields, REASON]);

test('an act needs a reason, and blanks are none', () => {
  assert.deepEqual(given({ reason: '  ' }).missing, { reason: 'reasonFirst' });
  assert.deepEqual(given({ reason: ' 체인 ' }), { values: { reason: '체인' }, missing: {} });
});

test('an amount is whole and within its bounds, however people write it', () => {
  const amount = { name: 'amount', kind: 'amount', required: true, least: 1, most: 5000 };
  const of = (text) => given({ reason: 'x', amount: text }, amount);
  assert.equal(of('1,200원').values.amount, 1200);
  for (const text of ['0', '5001', '1.5', '-3', 'all']) assert.deepEqual(of(text).missing, { amount: 'wrongAmount' });
  assert.deepEqual(of('').missing, { amount: 'fillThis' });
  const correction = { name: 'amount', kind: 'amount', least: -5000, most: 5000 };
  assert.equal(given({ reason: 'x', amount: '−300' }, correction).values.amount, -300);
  assert.deepEqual(given({ reason: 'x', amount: '0' }, correction).missing, { amount: 'wrongAmount' });
});

test('a day that something is due on lasts until its end, and need not be given', () => {
  const due = { name: 'due', kind: 'day' };
  assert.equal(
    given({ reason: 'x', due: '2026-12-01' }, due).values.due,
    new Date('2026-12-01T23:59:59').toISOString(),
  );
  assert.deepEqual(given({ reason: 'x', due: '' }, due), { values: { reason: 'x' }, missing: {} });
  assert.deepEqual(given({ reason: 'x', due: '2026-02-31x' }, due).missing, { due: 'wrongMoment' });
});

test('a label has a letter, so that it is no number', () => {
  const label = { name: 'label', kind: 'label' };
  assert.equal(given({ reason: 'x', label: 'B-017' }, label).values.label, 'B-017');
  for (const text of ['17', '새-17', 'B 17']) {
    assert.deepEqual(given({ reason: 'x', label: text }, label).missing, { label: 'wrongLabel' });
  }
});
