// What changed, as the view tells it while the page is looked at. Who hears nothing goes on asking now and then.
// Read with fetch: an EventSource can't send a token.
import { access } from './api.js';

const AT = '/rentAndBillingViews/changes';
const SILENT_MS = 45_000; // the server says something every 15 s; after three times that nobody is there
const [SOON_MS, LATE_MS] = [1000, 30_000]; // between two tries
const LASTED_MS = 10_000; // who was told so long may try again soon
const handlers = new Set();
let reading = null; // the one stream of the page, while it is wanted
let last = null; // the number to go on after
let heard = false;

export const live = () => heard;

// `handler` gets { event: 'change', type, userid, rentid, bikeid } for each change (of one's own, an admin of all) and
// { event: 'anew' } when everything shown must be read anew. Answers what ends it.
export function listen(handler) {
  handlers.add(handler);
  look();
  return () => {
    handlers.delete(handler);
    look();
  };
}

document.addEventListener('visibilitychange', look); // a browser keeps six connections to a host, for all its tabs

function look() {
  const wanted = handlers.size > 0 && !document.hidden;
  if (wanted && !reading) {
    reading = new AbortController();
    keepReading(reading.signal);
  } else if (!wanted && reading) {
    reading.abort();
    reading = null;
    heard = false;
  }
}

async function keepReading(signal) {
  for (let pause = SOON_MS; !signal.aborted; pause = Math.min(2 * pause, LATE_MS)) {
    const began = Date.now();
    const wait = await read(signal).catch(() => 0);
    if (signal.aborted) return;
    heard = false;
    if (Date.now() - began > LASTED_MS) pause = SOON_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.max(wait, pause * (0.5 + Math.random()))));
  }
}

// Answers how long to wait at least before the next try.
async function read(signal) {
  const line = new AbortController();
  const end = () => line.abort();
  let timer = setTimeout(end, SILENT_MS);
  signal.addEventListener('abort', end);
  try {
    const token = await access();
    const headers = { Accept: 'text/event-stream' };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (last !== null) headers['Last-Event-ID'] = last;
    const answer = await fetch(AT, { headers, signal: line.signal, cache: 'no-store' });
    if (!answer.ok) return 1000 * (Number(answer.headers.get('retry-after')) || 0);
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; ; ) {
      const { value, done } = await pieces.read();
      if (done || signal.aborted) return 0;
      heard = true;
      clearTimeout(timer);
      timer = setTimeout(end, SILENT_MS);
      const blocks = (text + value).split('\n\n');
      text = blocks.pop();
      blocks.forEach(tell);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

function tell(block) {
  const fields = {};
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] = value;
  }
  if (fields.id) last = fields.id;
  if (fields.data) for (const handler of [...handlers]) handler({ event: fields.event, ...JSON.parse(fields.data) });
}
