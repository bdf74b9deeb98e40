import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, isOver, verdictOf, writable } from '../../src/gbike/web/console/job.js';

const DONE = { state: 'done', questions: [], registered: 3, changed: 2 };
const ZERO = { en: '0, 0 is no position', ko: '0, 0은 위치가 아니에요' };
const THERE = { en: 'there is this bike already', ko: '이미 등록된 자전거예요' };
const OLD = { en: 'an old one', ko: '옛것' };

test('nothing can be written before a dry run is over and its questions are answered', () => {
  assert.equal(writable(DONE), 5);
  assert.equal(writable({ ...DONE, state: 'going' }), 0);
  assert.equal(writable({ ...DONE, questions: [{ code: 'two-columns' }] }), 0);
  assert.equal(writable({ ...DONE, registered: 0, changed: 0 }), 0);
  assert.deepEqual(
    ['waiting', 'going', 'done', 'refused'].map((state) => isOver({ state })),
    [false, false, true, true],
  );
});

test('a column that is not known is not read', () => {
  const columns = [{ name: '번호', field: 'bikeid' }, { name: '비고', field: null }, { name: '메모' }];
  assert.deepEqual(columnsOf({ columns }), { 번호: 'bikeid', 비고: '', 메모: '' });
});

const said = (outcome, problems, noposition = null) => {
  const { reasons, isBad, isSaid, isDoubtful } = verdictOf({ outcome, problems, noposition }, 'ko');
  return [reasons.join(), isBad, isSaid, isDoubtful];
};

test('a row that is written without its position is to be looked at, one that stays as chosen is not', () => {
  assert.deepEqual(said('registered', []), ['', false, false, false]);
  assert.deepEqual(said('registered', [], ZERO), [ZERO.ko, false, false, true]);
  assert.deepEqual(said('changed', [OLD]), [OLD.ko, false, false, true]);
  assert.deepEqual(said('unchanged', [THERE]), [THERE.ko, false, true, false]);
  assert.deepEqual(said('unchanged', []), ['', false, false, false]);
  assert.deepEqual(said('unchanged', [THERE], ZERO), [`${THERE.ko},${ZERO.ko}`, false, true, true]);
  assert.deepEqual(said('refused', [OLD]), [OLD.ko, true, true, true]);
  assert.deepEqual(verdictOf({ outcome: 'refused', problems: [OLD], noposition: null }, 'en').reasons, [OLD.en]);
});
