// Signs for the bikes that the fleet was narrowed to, on sheets to print: a code for the rider's scanner and for any
// phone's camera, the number large, the label below. Loaded when it is opened.
import { drawn } from '../shared/code.js';
import { html, useEffect, useMemo, useState } from '../shared/lib.js';
import { Empty, Loaded, Notice, Page } from '../shared/parts.js';
import { address, useRoute } from '../shared/shell.js';
import { t } from '../shared/text.js';
import { found } from './bikes.js';
import { Stale, useFleet } from './fleetpage.js';

const MOST = 500; // at once
const ON_A_SHEET = 21; // of A4: 3 beside each other, 7 below
const STRETCH_MS = 20; // codes are made for so long, then the page may do something else
const ON_A_LINE = 8; // digits, of a number that has as many or more
const LINE_PT = 105; // room for digits of 0.7 em, which is a wide font's
const LARGEST_PT = 21;
const SHORT = 9; // letters of a label that fit on a line
const RIDERS = `${location.origin}/app/`;

const codes = new Map();

function codeOf(bikeid) {
  if (!codes.has(bikeid)) codes.set(bikeid, drawn(`${RIDERS}#/bike/${bikeid}`));
  return codes.get(bikeid);
}

// How many of the bikes have a code by now.
function useCodes(bikes) {
  const [made, setMade] = useState(0);
  useEffect(() => {
    let done = 0;
    let timer = 0;
    const goOn = () => {
      const until = performance.now() + STRETCH_MS;
      for (; done < bikes.length && performance.now() < until; done += 1) codeOf(bikes[done].bikeid);
      setMade(done);
      if (done < bikes.length) timer = setTimeout(goOn);
    };
    goOn();
    return () => clearTimeout(timer);
  }, [bikes.map(({ bikeid }) => bikeid).join()]);
  return Math.min(made, bikes.length);
}

export function SignsPage() {
  const fleet = useFleet();
  const { from, ...query } = useRoute().query;
  const all = useMemo(
    () => (fleet.found ? found(fleet.found, fleet.rides, query) : []),
    [fleet.found, fleet.rides, JSON.stringify(query)],
  );
  const first = Math.min(Math.max(Math.floor(Number(from)) || 1, 1), Math.max(all.length, 1));
  const bikes = all.slice(first - 1, first - 1 + MOST);
  const made = useCodes(bikes);
  const isReady = bikes.length > 0 && made === bikes.length;
  const button = html`<button class="small-button" type="button" disabled=${!isReady} onClick=${() => print()}>
    ${t('printThem')}
  </button>`;
  const back = query.bikes ? '#/bikes' : address('/', query); // from which list they came
  return html`<${Page} title=${t('signs')} back=${back} beside=${button} more="for-print">
    <${Stale} of=${fleet} />
    <${Loaded} of=${fleet} rows=${4}>
      ${() =>
        bikes.length
          ? html`<${Range} first=${first} some=${bikes.length} all=${all.length} query=${query} />
              <p class="soft" role="status">
                ${isReady ? t('signsOf', made, Math.ceil(made / ON_A_SHEET)) : t('signsMade', made, bikes.length)}
              </p>
              <p class="soft">${t('signsLead', RIDERS)}</p>
              <${Sheets} bikes=${bikes.slice(0, made)} />`
          : html`<${Empty} icon="list" title=${t('noneFound')} hint=${t('noneFoundHint')} />`}
    <//>
  <//>`;
}

function Range({ first, some, all, query }) {
  if (some === all) return null;
  const way = (name, from) =>
    html`<a class="small-button" href=${address('/signs', { ...query, from })}>${t(name)}</a>`;
  return html`<${Notice} tone="calm" text=${t('signsCut', first, first + some - 1, all, MOST)} />
    <p class="paging">
      ${first > 1 && way('signsBefore', Math.max(first - MOST, 1))}
      ${first + some <= all && way('signsAfter', first + some)}
    </p>`;
}

function Sheets({ bikes }) {
  const sheets = Array.from({ length: Math.ceil(bikes.length / ON_A_SHEET) }, (_, number) => number * ON_A_SHEET);
  return sheets.map(
    (from) => html`<ul key=${from} class="plates">
      ${bikes.slice(from, from + ON_A_SHEET).map((bike) => html`<${Plate} key=${bike.bikeid} bike=${bike} />`)}
    </ul>`,
  );
}

function Plate({ bike: { bikeid, label } }) {
  const { path, box } = codeOf(bikeid);
  const digits = String(bikeid).length;
  const fontSize = `${Math.min(LARGEST_PT, LINE_PT / Math.min(digits, ON_A_LINE))}pt`;
  return html`<li class="plate">
    <svg viewBox=${box} aria-hidden="true" shape-rendering="crispEdges"><path d=${path} /></svg>
    <p>
      <strong style=${{ fontSize }}>${bikeid}</strong>
      ${label && html`<span class=${label.length > SHORT ? 'long' : ''}>${label}</span>`}
    </p>
  </li>`;
}
