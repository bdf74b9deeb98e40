// One bike as the field staff stand before it: how it is, two taps, and the next one.
import { said } from '../actions.js';
import { ask } from '../api.js';
import { IS } from '../bike.js';
import { html, useEffect, useRef, useState } from '../lib.js';
import { Battery, Big, Empty, Failed, Icon, Loading, Notice, Status, Top } from '../parts.js';
import { queued, report, saidOf } from '../reports.js';
import { useStore } from '../store.js';
import { place, t } from '../text.js';
import { Reports, Waiting } from './home.js';
import { readManager, readReports } from './manager.js';

const STEPS = [100, 80, 60, 40, 20, 0];

export function BikePage({ bikeid }) {
  const { manager, online, outcomes } = useStore();
  const [bike, found] = useState(null);
  const [reports, know] = useState([]);
  const [refusal, refuse] = useState(null);
  const [failed, fail] = useState(false);
  const [key, sent] = useState(null);
  const load = async () => {
    readManager();
    try {
      found(await ask('GET', `/bikes/${bikeid}`));
      fail(false);
      know(await readReports({ bikeid }));
    } catch (problem) {
      if (problem.type === 'bike-unknown') refuse(said(problem, 'report', { body: { bikeid } }));
      else fail(true);
    }
  };
  const done = outcomes[key] === true;
  useEffect(() => {
    load();
  }, [done, online]);
  const waits = queued().some((tap) => String(tap.body.bikeid) === bikeid);
  return html`<section class="page">
    <${Top} title=${t('number', bikeid)} back="#/staff" />
    ${refusal && html`<${Notice} ...${refusal} way=${null} />`}
    ${bike && html`<${State} bike=${bike} />`}
    ${!bike && !refusal && (online && failed ? html`<${Failed} again=${load} />` : !online && html`<${Notice} tone="calm" text=${t('unseen')} />`)}
    ${!bike && !refusal && !failed && online && html`<${Loading} rows=${1} />`}
    ${!refusal && (key || waits ? html`<${Came} what=${outcomes[key]} again=${key && !waits && (() => sent(null))} />` : manager?.managerid && html`<${Report} managerid=${manager.managerid} bikeid=${Number(bikeid)} sent=${sent} />`)}
    ${reports.length > 0 && html`<h2>${t('lastReports')}</h2><${Reports} reports=${reports} bike />`}
    ${refusal && html`<div class="dock"><${Big} icon="scan" label=${t('recheck')} href="#/staff/number" /></div>`}
  </section>`;
}

const State = ({ bike }) =>
  html`<div class="card state">
    <p><${Status} is=${bike.retired ? 'gone' : IS[bike.status]} /><${Battery} percent=${bike.batterylevel} /></p>
    <p class="soft"><${Icon} name="pin" />${place(bike.location)}</p>
  </div>`;

// The first tap says the charge, the second whether it may be ridden, and sends both.
function Report({ managerid, bikeid, sent }) {
  const [percent, choose] = useState(null);
  const [wrong, complain] = useState(false);
  const steps = useRef(null);
  const send = (usableyn) => {
    if (percent !== null) return sent(report({ managerid, bikeid, batterylevel: percent, usableyn }));
    complain(true);
    steps.current.querySelector('input').focus();
  };
  return html`<fieldset class="amounts steps" ref=${steps}>
      <legend>${t('howFull')}</legend>
      ${STEPS.map(
        (one) => html`<label key=${one} class=${one === percent ? 'on' : ''}>
          <input type="radio" name="battery" value=${one} checked=${one === percent} onChange=${() => choose(one)} aria-describedby=${wrong ? 'battery-wrong' : undefined} />
          <span>${one}%</span>
        </label>`,
      )}
    </fieldset>
    ${wrong && percent === null && html`<p id="battery-wrong" class="wrong" role="alert"><${Icon} name="alert" />${t('batteryFirst')}</p>`}
    <div class="dock pair">
      <${Big} kind="fault" icon="wrench" label=${t('fault')} onClick=${() => send(false)} />
      <${Big} icon="check" label=${t('usable')} onClick=${() => send(true)} />
    </div>`;
}

// What came of it. The next bike is not where the two buttons were, so a second tap in gloves hits nothing.
function Came({ what, again }) {
  if (what === true || (what?.why && again))
    return html`<div class="came">
      ${what === true ? html`<${Empty} icon="check" title=${t('reported')} hint=${t('reportedHint')} />` : html`<${Notice} ...${saidOf(what)} />`}
      <${Next} />
      <${Big} kind="quiet" label=${t('reportAgain')} onClick=${again} />
    </div>`;
  return html`<div class="came"><${Waiting} /><${Next} /></div>`;
}

const Next = () => html`<${Big} icon="scan" label=${t('nextBike')} href="#/staff/number" />`;
