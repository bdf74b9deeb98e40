// Giving the bike back: at a place near by, one of the last, one that is looked for, or right here without naming any.
import { html, useEffect, useKept } from '../shared/lib.js';
import { Big, Empty, Later, Loading, Page } from '../shared/parts.js';
import { useStore } from '../shared/state.js';
import { place, t } from '../shared/text.js';
import { giveBack } from './actions.js';
import { Charged } from './offline.js';
import { readConsent } from './position.js';

const ROWS = 5; // as many as where.js shows first

export function ReturnPage({ rentid }) {
  const { open, busy, online } = useStore();
  const [chosen, setChosen] = useKept('place', '');
  useEffect(() => void readConsent().catch(() => {}), []);
  const rent = open?.find((one) => String(one.rentid) === rentid);
  if (open !== null && !rent && !busy) return html`<${Returned} rentid=${rentid} />`;
  const send = (event) => {
    event.preventDefault();
    if (!busy) giveBack(rentid, chosen);
  };
  const isBusy = busy?.kind === 'return';
  return html`<${Page} title=${t('backWhere')} back="#/ride" onSubmit=${send}>
    <${Places} chosen=${chosen} onChoose=${setChosen} />
    <div class="dock">
      <p class="says" role="status">${chosen ? t('leftAt', place(chosen)) : t('leftHere')}</p>
      ${!online && !isBusy && html`<${Charged} rent=${rent} />`}
      <${Big} type="submit" label=${t('giveBackHere')} busyLabel=${t('givingBack')} busy=${isBusy} />
    </div>
  <//>`;
}

// What there is to choose from is loaded here; the bike is given back without it too.
const load = async () => (await import('./where.js')).Where;
const Places = (choice) => {
  return html`<${Later} load=${load} waiting=${html`<${Loading} rows=${ROWS} />`} ...${choice} />`;
};

const Returned = ({ rentid }) =>
  html`<${Page} title=${t('giveBack')} back="#/rides">
    <${Empty} icon="check" title=${t('done')} hint=${t('doneSay')}>
      <${Big} label=${t('bill')} href="#/rides/${rentid}/done" />
    <//>
  <//>`;
