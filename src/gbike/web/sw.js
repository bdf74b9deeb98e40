// Keeps the page itself, so that it opens without a line. What is asked of the services is never kept here.
const SHELL = '{{shell}}'.split(' ');
const CACHE = 'gbike {{base}}';

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(['/app/', ...SHELL]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  const old = (names) => names.filter((name) => name.startsWith('gbike ') && name !== CACHE);
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== 'GET' || origin !== location.origin) return;
  if (event.request.mode === 'navigate' && pathname === '/app/') {
    event.respondWith(fetch(event.request).catch(() => caches.match('/app/')));
  } else if (pathname.startsWith('{{base}}/')) {
    event.respondWith(caches.match(event.request).then((kept) => kept || fetch(event.request)));
  }
});
