// What is wrong with a bike, told by whoever stands at it or rode it. It is sent once, and survives a lost line.
import { complain, saidOf, waiting } from '../rider/taps.js';
import { ask } from '../shared/api.js';
import { now } from '../shared/clock.js';
import { given, html, useRead, useState } from '../shared/lib.js';
import { Amounts, Big, Empty, Notice, Page, Wrong } from '../shared/parts.js';
import { keep, kept, OF_TAB, state, useStore } from '../shared/state.js';
import { learn, t, time } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';

learn({ ko, en });

const KINDS = [
  ...['brake', 'tyre', 'chain', 'steering', 'light', 'battery'],
  ...['lock', 'seat', 'dirty', 'missing', 'safety', 'other'],
];
const MOST = 500; // characters
const FREE_MS = 180_000; // as billing has it: a shorter ride that ended where it began
const HEARD_MS = 600_000; // and so long after its end

export default function ComplainPage({ bikeid }) {
  const { outcomes, open } = useStore();
  const [key, setKey] = useState(() => waits(bikeid)?.key ?? draftOf(bikeid)?.key ?? null);
  const ride = open?.find((rent) => rent.bikeid === bikeid);
  const outcome = key && outcomes[key];
  const back = ride ? '#/ride' : `#/bike/${bikeid}`;
  if (outcome?.done) return html`<${Heard} bikeid=${bikeid} takenout=${outcome.done.takenout} ride=${ride} />`;
  if (key && waits(bikeid)) return html`<${Waiting} bikeid=${bikeid} back=${back} />`;
  return html`<${Form} bikeid=${bikeid} back=${back} refused=${outcome} onSend=${setKey} />`;
}

const waits = (bikeid) => waiting().find(({ kind, body }) => kind === 'complaint' && body.bikeid === bikeid);

// What was written here, and the tap's key once it was sent: it may be answered before this page is there again.
function draftOf(bikeid) {
  const draft = kept('complaint', null, OF_TAB);
  return draft?.bikeid === bikeid && draft.userid === state.who.userid ? draft : null;
}

function Form({ bikeid, back, refused, onSend }) {
  const draft = draftOf(bikeid);
  const isMine = draft && (refused || !draft.key);
  const [one, setOne] = useState(
    isMine ? { ...draft, key: null } : { userid: state.who.userid, bikeid, kind: null, words: '' },
  );
  const [wrong, setWrong] = useState(null);
  const write = (change) => {
    const changed = { ...one, ...change };
    setOne(changed);
    setWrong(null);
    keep('complaint', changed, OF_TAB);
  };
  const send = (event) => {
    event.preventDefault();
    const words = given(event).words.trim();
    const lacks = !one.kind ? 'kind' : one.kind === 'other' && !words ? 'words' : null;
    if (lacks) return missing(lacks);
    const body = { userid: state.who.userid, bikeid, kind: one.kind, ...(words ? { words } : {}) };
    const key = complain(body);
    if (!key) return;
    keep('complaint', { ...one, key }, OF_TAB);
    onSend(key);
  };
  const missing = (name) => {
    setWrong(name);
    document.getElementsByName(name)[0].focus();
  };
  const about = (name) => (wrong === name ? `${name}-wrong` : undefined);
  const says = (name) => wrong === name && html`<${Wrong} id="${name}-wrong" text=${t(`${name}First`)} />`;
  const kinds = {
    legend: t('complainKind'),
    options: KINDS.map((kind) => [kind, t(`kind_${kind}`)]),
    name: 'kind',
    kind: 'amounts kinds',
    chosen: one.kind,
    onChoose: (kind) => write({ kind }),
    'aria-describedby': about('kind'),
  };
  return html`<${Page} title=${t('number', bikeid)} back=${back} onSubmit=${send}>
    ${refused && html`<${Notice} ...${saidOf(refused)} />`}
    <${Amounts} ...${kinds} />
    ${says('kind')}
    ${one.kind === 'safety' && html`<${Notice} tone="bad" text=${t('dontRide')} />`}
    <div class="field">
      <label for="words">${t('complainWords')}</label>
      <textarea
        id="words"
        name="words"
        rows="3"
        maxlength=${MOST}
        value=${one.words}
        aria-describedby=${about('words') ?? 'words-hint'}
        aria-invalid=${about('words') && 'true'}
        onInput=${({ currentTarget }) => write({ words: currentTarget.value })}
      ></textarea>
      <p id="words-hint" class="soft">${t('complainHint')}</p>
      ${says('words')}
    </div>
    <div class="dock"><${Big} type="submit" label=${t('complainSend')} /></div>
  <//>`;
}

function Waiting({ bikeid, back }) {
  const { online } = useStore();
  return html`<${Page} title=${t('number', bikeid)} back=${back}>
    <${Notice} tone=${online ? 'calm' : 'warn'} text=${t(online ? 'sending' : 'complainKept')} />
    <div class="dock"><${Big} kind="quiet" label=${t('goOn')} href=${back} /></div>
  <//>`;
}

function Heard({ bikeid, takenout, ride }) {
  keep('complaint', null, OF_TAB);
  const { found: last } = useRead(() => readLast(bikeid), [ride?.rentid]);
  const until = ride && Date.parse(ride.starttime) + FREE_MS;
  const isFree = ride ? now() < until : wasFree(last);
  const free = ride ? t('freeUntil', time(until)) : t('freeBack');
  return html`<${Page} title=${t('complained')}>
    <${Empty} icon="check" title=${t('number', bikeid)} hint=${t(takenout ? 'isTakenOut' : 'willLook')} />
    ${isFree && html`<${Notice} tone="good" text=${free} />`}
    <${Big} kind="quiet" label=${t(ride ? 'toRide' : 'others')} href=${ride ? '#/ride' : '#/'} />
    ${ride && html`<div class="dock"><${Big} label=${t('giveBack')} href="#/return/${ride.rentid}" /></div>`}
  <//>`;
}

// Their last ride of this bike, which may just be over.
async function readLast(bikeid) {
  const of = `status=returned&userid=${state.who.userid}&bikeid=${bikeid}`;
  const { _embedded } = await ask('GET', `/rents?${of}&size=1&sort=rentid,desc`);
  return _embedded.rents[0] ?? {};
}

function wasFree(last) {
  if (!last?.endtime) return false;
  const [began, ended] = [Date.parse(last.starttime), Date.parse(last.endtime)];
  return ended - began <= FREE_MS && now() - ended <= HEARD_MS;
}
