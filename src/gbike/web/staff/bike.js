// One bike as the field staff stand before it: how it is, what they report of it in two or three taps, the next one.
import { queued, report, saidOf } from '../rider/taps.js';
import { ask } from '../shared/api.js';
import { html, useEffect, useRead, useRef, useState } from '../shared/lib.js';
import { Battery, Big, Empty, Icon, Loaded, Notice, Page, Status } from '../shared/parts.js';
import { statusOf } from '../shared/rental.js';
import { said } from '../shared/session.js';
import { useStore } from '../shared/state.js';
import { place, t } from '../shared/text.js';
import { Charge, percentOf } from './charge.js';
import { readComplaints, readManager, readReports } from './manager.js';
import { More, nothingMore } from './more.js';
import { Complaints, FAULTS, Reports, Waiting, whyNot } from './reports.js';

export function BikePage({ bikeid }) {
  const { manager, online, outcomes } = useStore();
  const [key, setKey] = useState(null);
  const done = Boolean(outcomes[key]?.done);
  const read = useRead(
    async (_isWanted, show) => {
      readManager();
      const bike = await ask('GET', `/bikes/${bikeid}`);
      show({ reports: [], complaints: [], ...read.found, bike });
      const [reports, complaints] = await Promise.all([readReports({ bikeid }), readComplaints(bikeid)]);
      return { bike, reports, complaints };
    },
    [done, online],
  );
  const { found, failed } = read;
  const waits = queued().some((tap) => String(tap.body.bikeid) === bikeid);
  const again = key && !waits && (() => setKey(null));
  const page = (inside) => html`<${Page} title=${t('number', bikeid)} back="#/staff">${inside}<//>`;
  if (failed?.type === 'bike-unknown')
    return page(html`<${Notice} ...${said(failed, 'report', { body: { bikeid } })} way=${null} />
      <div class="dock"><${Big} icon="scan" label=${t('recheck')} href="#/staff/number" /></div>`);
  return page(html`${
    found || online
      ? html`<${Loaded} of=${read} rows=${1}>${({ bike }) => html`<${Now} bike=${bike} />`}<//>`
      : html`<${Notice} tone="calm" text=${t('unseen')} />`
  }
    ${
      key || waits
        ? html`<${Came} what=${outcomes[key]} again=${again} />`
        : manager?.managerid &&
          html`<${Report} managerid=${manager.managerid} bikeid=${Number(bikeid)} onSend=${setKey} />`
    }
    ${found?.complaints.length > 0 && html`<h2>${t('complaints')}</h2><${Complaints} complaints=${found.complaints} />`}
    ${found?.reports.length > 0 && html`<h2>${t('lastReports')}</h2><${Reports} reports=${found.reports} bike />`}`);
}

const Now = ({ bike }) =>
  html`<div class="card state">
    <p><${Status} is=${statusOf(bike)} /><${Battery} percent=${bike.batterylevel} /></p>
    <p class="soft"><${Icon} name="pin" />${place(bike.location)}</p>
  </div>`;

// The first tap says the charge, the second that it may be ridden, and sends both. Where it may not, the third says
// what is wrong.
function Report({ managerid, bikeid, onSend }) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const [asks, setAsks] = useState(false);
  const [more, setMore] = useState(nothingMore);
  const percent = percentOf(text);
  const write = (value) => {
    setText(value);
    setWrong(false);
  };
  const ready = () => {
    if (percent !== null) return true;
    setWrong(true);
    document.getElementById('battery').focus();
    return false;
  };
  const send = (usableyn, fault = null) => {
    const words = more.words.trim();
    const beside = { ...(fault && { fault }), ...(words && { words }), ...more.stands };
    if (ready()) onSend(report({ managerid, bikeid, batterylevel: percent, usableyn, ...beside }));
  };
  const fault = { label: t('fault'), onClick: () => ready() && setAsks(true) };
  return html`<${Charge} text=${text} onWrite=${write} wrong=${wrong} />
    ${asks && html`<${Faults} onChoose=${(kind) => send(false, kind)} />`}
    <${More} more=${more} onChange=${setMore} />
    <div class="dock pair">
      <${Big} kind="fault" icon="wrench" ...${fault} />
      <${Big} icon="check" label=${t('usable')} onClick=${() => send(true)} />
    </div>`;
}

function Faults({ onChoose }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.scrollIntoView({ block: 'center' });
    box.current.querySelector('h2').focus({ preventScroll: true }); // no button: a held key would choose it
  }, []);
  return html`<div class="faults" role="group" aria-labelledby="faults" ref=${box}>
    <h2 id="faults" tabindex="-1">${t('whatFault')}</h2>
    <div>
      ${Object.entries(FAULTS).map(
        ([kind, word]) => html`<button key=${kind} type="button" onClick=${() => onChoose(kind)}>${t(word)}</button>`,
      )}
    </div>
  </div>`;
}

// What came of it. The next bike is not where the two buttons were, so a second tap in gloves hits nothing.
function Came({ what, again }) {
  const next = html`<${Big} icon="scan" label=${t('nextBike')} href="#/staff/number" />`;
  if (!what?.done && !(what?.why && again)) return html`<div class="came"><${Waiting} />${next}</div>`;
  return html`<div class="came">
    ${
      what.done
        ? html`<${Empty} icon="check" title=${t('reported')} hint=${earned(what.done)} />`
        : html`<${Notice} ...${saidOf(what)} />`
    }
    ${next}
    <${Big} kind="quiet" label=${t('reportAgain')} onClick=${again} />
  </div>`;
}

const earned = (one) => whyNot(one) ?? (one.points > 0 ? t('earned', one.points) : t('reportedHint'));
