// Sends the rows of a file, each once whatever happens: every row has its Idempotency-Key before it is sent first, and
// both outlive a reload. A service that asks for a pause gets it, from all rows.
import { ask, NoAnswer, newKey, Problem } from '../shared/api.js';
import { keep, kept, set, state } from '../shared/state.js';

const AT_ONCE = 4;
const TRIES = 60;
const LONGEST_S = 60;
const WRITTEN_MS = 500; // a row whose outcome was not written down yet is sent again after a reload, with the same key
let writtenAt = 0;
let running = false;

export const lastImport = () => state.importing ?? kept('import');
export const isOver = ({ rows }) => rows.every((row) => row.outcome);

export function begin(bikes) {
  writtenAt = 0;
  show({ id: newKey(), rows: bikes.map((bike) => ({ bike })) });
  return carryOn();
}

export async function carryOn() {
  const job = lastImport();
  if (running || !job) return;
  running = true;
  const left = job.rows.map((row, index) => [row, index]).filter(([row]) => !row.outcome);
  const work = async () => {
    for (let next = left.shift(); next && state.importing?.id === job.id; next = left.shift()) {
      const [row, index] = next;
      row.outcome = await sent(row.bike, `${job.id}-${index}`);
      if (!row.outcome) left.length = 0; // signed out: it goes on when they are in again
      show(job);
    }
  };
  show(job);
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  running = false;
}

export function forget() {
  keep('import', null);
  set({ importing: null });
}

function show(job) {
  if (Date.now() - writtenAt > WRITTEN_MS || isOver(job)) {
    keep('import', job);
    writtenAt = Date.now();
  }
  set({ importing: job });
}

async function sent(bike, key) {
  let why = 'noAnswer';
  for (let tries = 0; tries < TRIES; tries += 1) {
    await pause();
    try {
      await ask('POST', '/bikes', { body: bike, key });
      return { done: true };
    } catch (failed) {
      if (failed.status === 401) return null;
      if (!passing(failed)) return { said: failed.facts?.detail ?? String(failed.status) };
      why = failed.facts?.detail ?? why;
      hold(failed.retryAfterS ?? 2 ** Math.min(tries, 4));
    }
  }
  return { said: why, unknown: true };
}

// Refused for now, or not known whether it was done: the same key is sent again.
function passing(failed) {
  if (failed instanceof NoAnswer) return true;
  const { status, type } = failed;
  return failed instanceof Problem && (status === 429 || status >= 500 || type === 'idempotency-key-in-flight');
}

function hold(s) {
  set({ pausedUntil: Math.max(state.pausedUntil, Date.now() + Math.min(s, LONGEST_S) * 1000) });
}

async function pause() {
  const leftMs = () => state.pausedUntil - Date.now();
  while (leftMs() > 0) await new Promise((resolve) => setTimeout(resolve, leftMs()));
}
