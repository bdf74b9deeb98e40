// A line that changes while the modules load (from Wi-Fi to the mobile network) breaks them off; then they are loaded
// again.
const TRIES = 5;
const NAME = 'gbike.tries';

import(document.querySelector('meta[name="main"]').getAttribute('content')).then(
  () => sessionStorage.removeItem(NAME),
  (failed) => {
    const tries = Number(sessionStorage.getItem(NAME));
    if (tries >= TRIES) throw failed;
    sessionStorage.setItem(NAME, String(tries + 1));
    setTimeout(() => location.reload(), 500 * (tries + 1));
  },
);
