import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endsOf } from '../../src/gbike/web/console/ends.js';

const said = (at, lat, lon, more = {}) => ({ at, facts: { lat, lon, location: '정자역', ...more } });

test('where a bike stood is told in the order of time, once for each place in a row', () => {
  const newestFirst = [
    said('05', 37.2, 127.2),
    said('04', 37.3, 127.3, { stale: true }),
    said('03', 37.1, 127.1),
    said('02', 37.1, 127.1),
    said('01', null, null),
    said('00', 37.2, 127.2),
  ];
  const ends = endsOf(newestFirst).map(({ at, lat }) => [at, lat]);
  assert.deepEqual(ends, [
    ['00', 37.2],
    ['02', 37.1],
    ['05', 37.2],
  ]);
});
