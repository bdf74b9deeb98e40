import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samples, sum } from '../../src/gbike/web/console/metrics.js';

const TEXT = `# HELP gbike_requests_total Requests
gbike_requests_total{service="bike",status="200"} 5
gbike_requests_total{service="bike",status="503"} 2.0
gbike_requests_total{service="rent",status="200"} 1
gbike_up 1
gbike_call{call="a \\"quoted\\" one"} NaN
`;

test('figures are read with their labels, and summed as they are asked for', () => {
  const all = samples(TEXT);
  assert.equal(all.length, 5);
  assert.deepEqual(all[3], { name: 'gbike_up', labels: {}, value: 1 });
  assert.equal(sum(all, 'gbike_requests_total'), 8);
  const failed = { service: (name) => name === 'bike', status: (status) => status >= '500' };
  assert.equal(sum(all, 'gbike_requests_total', failed), 2);
  assert.equal(sum(all, 'nobody_counts'), 0);
});
