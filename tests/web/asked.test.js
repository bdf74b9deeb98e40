import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileOf, nextDay, pageOf, understood } from '../../src/gbike/web/console/asked.js';

const FILTERS = [
  { id: 'q', kind: 'search' },
  { id: 'status', kind: 'choice', options: [['사용가능', 'free']] },
  { id: 'batterybelow', kind: 'number', most: 100 },
  { id: 'from', kind: 'day' },
  { id: 'until', kind: 'lastDay', param: 'to' },
  { id: 'held', kind: 'flag' },
];
const SORTS = ['bikeid', 'batterylevel'];
const asked = (query) => understood(query, FILTERS, SORTS, 'bikeid,desc');

test('an address says what a list is narrowed to, how it is sorted and which page of it is shown', () => {
  const query = { q: '정자', status: '사용가능', batterybelow: '20', held: 'true', sort: 'batterylevel', page: '3' };
  const { chosen, ...order } = asked(query);
  assert.deepEqual(chosen, { q: '정자', status: '사용가능', batterybelow: '20', held: 'true' });
  assert.deepEqual(order, { sort: 'batterylevel', down: false, page: 3 });
});

test('what an address says that the list does not know is as if it were not said', () => {
  const query = {
    status: 'gone',
    batterybelow: '101',
    from: '2026-13-01',
    until: 'soon',
    held: 'yes',
    sort: 'password',
    down: '1',
    page: '-1',
    more: 'x',
  };
  assert.deepEqual(asked(query), { chosen: {}, sort: 'bikeid', down: true, page: 1 });
  for (const page of ['0', '1e3', 'x', '99999999999', '', '1.5']) assert.equal(asked({ page }).page, 1);
});

test('a service is asked for one page, and until the day after the last', () => {
  const url = pageOf('/rents', asked({ until: '2026-12-31', page: '2' }), FILTERS, { userid: 3 });
  assert.equal(url, '/rents?userid=3&to=2027-01-01&sort=bikeid%2Cdesc&size=50&page=1');
  assert.equal(nextDay('2028-02-28'), '2028-02-29');
});

test('a file has all that fit, in no order of its own', () => {
  const url = fileOf('/bikes', asked({ held: 'true', sort: 'batterylevel', page: '4' }), FILTERS, {}, 'cp949');
  assert.equal(url, '/bikes?held=true&format=csv&encoding=cp949');
});
