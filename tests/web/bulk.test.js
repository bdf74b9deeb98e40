import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onAll } from '../../src/gbike/web/console/bulk.js';

const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);
const refuse = (status, more = {}) => Promise.reject({ status, ...more });

test('four at a time, each once, and what is refused is told with its reason', async () => {
  let [now, most] = [0, 0];
  const sent = [];
  const send = async (item) => {
    now += 1;
    most = Math.max(most, now);
    sent.push(item);
    await Promise.resolve();
    now -= 1;
    if (item % 10 === 0) await refuse(409, { why: `ridden ${item}` });
  };
  const { done, refused, left } = await onAll(numbers(40), send);
  assert.deepEqual([most, done.length, left.length], [4, 36, 0]);
  assert.deepEqual(
    sent.toSorted((a, b) => a - b),
    numbers(40),
  );
  assert.deepEqual(
    refused.map(({ item, failed }) => [item, failed.why]),
    [10, 20, 30, 40].map((item) => [item, `ridden ${item}`]),
  );
});

test('who is busy, or did not answer, is asked again after as long as they said', async () => {
  const pauses = [];
  const answers = [refuse(429, { retryAfterS: 7 }), refuse(503), refuse(undefined), Promise.resolve()];
  for (const answer of answers) answer.catch(() => {});
  const how = { pause: async (seconds) => pauses.push(seconds) };
  const { done } = await onAll(['bike'], () => answers.shift(), how);
  assert.deepEqual([done, pauses], [['bike'], [7, 2, 2]]);
  const busy = await onAll(['bike'], () => refuse(503), { pause: async () => {} });
  assert.equal(busy.refused.length, 1, 'it is not asked for ever');
});

test('when it is stopped what was not sent is left', async () => {
  let stopped = false;
  const told = ({ done }) => {
    stopped = done.length >= 4;
  };
  const { done, left } = await onAll(numbers(40), async () => {}, { told, isStopped: () => stopped });
  assert.equal(done.length + left.length, 40);
  assert.ok(done.length < 12, `${done.length} were sent`);
});
