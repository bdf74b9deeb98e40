// A line that changes while the modules load (from Wi-Fi to the mobile network) breaks them off; then they are loaded
// again. What does not come at all is said so.
const TRIES = 5;
const NAME = 'gbike.tries';
const SAY =
  '페이지를 불러오지 못했어요. 잠시 후 다시 열어 주세요. · The page didn’t load. Please open it again in a moment.';

import(document.querySelector('meta[name="main"]').getAttribute('content')).then(
  () => sessionStorage.removeItem(NAME),
  (failed) => {
    const tries = Number(sessionStorage.getItem(NAME));
    if (tries >= TRIES) {
      sessionStorage.removeItem(NAME);
      const said = Object.assign(document.createElement('p'), { className: 'plain', textContent: SAY });
      said.setAttribute('role', 'alert');
      document.getElementById('app').replaceChildren(said);
      throw failed;
    }
    sessionStorage.setItem(NAME, String(tries + 1));
    setTimeout(() => location.reload(), 500 * (tries + 1));
  },
);
