// Keeps the page itself, so that it opens without a line. What is asked of the services is never kept here.
// A version is kept whole or not at all, beside the one before it: a tab that was open goes on with that one.
const SHELL = '{{shell}}'.split(' ');
const PAGE = '/app/';
const CACHE = 'gbike {{base}}';
const VERSIONED = /^\/app\/[0-9a-f]{12}\//;
const PATIENCE_MS = 2000; // a phone may be connected and get no data: whoever waits so long is shown what is kept here
const HERE = { ignoreVary: true };

// While a new version comes up somewhere, the page may be answered by the old one: then this is not the time.
async function keepWhole() {
  const cache = await caches.open(CACHE);
  const page = await fetch(PAGE, { cache: 'no-cache' });
  if (!page.ok || !(await page.clone().text()).includes('{{base}}/')) throw new Error('another version answered');
  await cache.addAll(SHELL);
  await cache.put(PAGE, page);
}

async function install() {
  try {
    await keepWhole();
  } catch (failed) {
    await caches.delete(CACHE);
    throw failed;
  }
  await self.skipWaiting();
}

async function activate() {
  const others = (await caches.keys()).filter((name) => name.startsWith('gbike ') && name !== CACHE);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name))); // in the order they were made in
  await self.clients.claim();
}

// The page says that nobody answered for it.
async function keptPage() {
  const page = await (await caches.open(CACHE)).match(PAGE);
  return page && new Response((await page.text()).replace('<html', '<html data-kept'), page);
}

async function opened(request) {
  const answered = fetch(request);
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS));
  const page = await Promise.race([answered, late]).catch(() => null);
  return page && page.status < 500 ? page : ((await keptPage()) ?? answered);
}

async function file(request, pathname) {
  const kept = await caches.match(request, HERE);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && pathname.startsWith('{{base}}/')) {
    const copy = answer.clone();
    const keep = async () => (await caches.open(CACHE)).put(request, copy);
    keep().catch(() => {}); // a full disk keeps nobody from the page
  }
  return answer;
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate' && pathname === PAGE) event.respondWith(opened(request));
  else if (VERSIONED.test(pathname)) event.respondWith(file(request, pathname));
});
