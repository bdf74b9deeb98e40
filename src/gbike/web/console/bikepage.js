// One bike: how it is, who keeps it out of service, what an operator may do about it, and its story.
import { html, useKept, useRead, useState } from '../shared/lib.js';
import { Battery, Empty, Facts, Icon, Loaded, More, Notice, Page, Status, useMap } from '../shared/parts.js';
import { BROKEN, statusOf } from '../shared/rental.js';
import { narrow, useRoute } from '../shared/shell.js';
import { place, stamp, t } from '../shared/text.js';
import { ACTS, hold, questionOf, release, STAFF } from './bikeacts.js';
import { EditDialog } from './bikeedit.js';
import { ReasonDialog } from './dialog.js';
import { useFresh } from './fresh.js';
import { Chips, Rider } from './parts.js';
import { KINDS, MOST, readStory, spanOf } from './story.js';
import { done } from './undo.js';
import { ago, since } from './words.js';

const SHOWN = 60;

export function BikePage({ bikeid }) {
  const story = useRead(() => readStory(bikeid), [bikeid]);
  useFresh(story.again, { fits: (told) => told.bikeid === Number(bikeid) || told.event === 'anew' });
  const way = { text: t('bikes'), href: '#/bikes' };
  return html`<${Page} title=${t('number', bikeid)} back="#/bikes">
    ${
      !story.found && story.failed?.status === 404
        ? html`<${Notice} tone="bad" text=${t('unknownBike', bikeid)} way=${way} />`
        : html`<${Loaded} of=${story} rows=${5}>
            ${(found) => html`<${Bike} again=${story.again} ...${found} />`}
          <//>`
    }
  <//>`;
}

function Bike({ bike, rent, holds, lines, ends, cut, again }) {
  return html`<div class="columns bike">
      <div class="page">
        <${Now} bike=${bike} rent=${rent} />
        <${Acts} bike=${bike} again=${again} />
        ${holds.length > 0 && html`<${Holds} bike=${bike} holds=${holds} again=${again} />`}
      </div>
      ${ends.length > 0 && html`<${Ends} ends=${ends} />`}
    </div>
    <${Story} lines=${lines} cut=${cut} />`;
}

const pointOf = ({ lat, lon }) => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
const ridesOf = (rent) => new Map(rent ? [[rent.bikeid, rent]] : []);

function Now({ bike, rent }) {
  const riding = rent && html`<${Rider} userid=${rent.userid} /> · ${since(rent.starttime)} · `;
  const way = rent && html`<a class="link" href="#/ride/${rent.rentid}">${t('rideNo', rent.rentid)}</a>`;
  const rows = [
    bike.label && [t('label'), bike.label],
    [t('where'), place(bike.location)],
    [t('currentRide'), rent ? html`${riding}${way}` : '–'],
    [t('lastSeen'), bike.lastseen ? ago(bike.lastseen) : '–'],
    bike.lat !== null && [t('coordinates'), pointOf(bike)],
    bike.point?.stale && [
      t('oldPoint'),
      [pointOf(bike.point), bike.point.at && ago(bike.point.at)].filter(Boolean).join(' · '),
    ],
  ];
  return html`<div class="card">
    <p class="line">
      ${(rent || !bike.held || bike.retired) && html`<${Status} is=${statusOf(bike, ridesOf(rent))} />`}
      ${bike.held && html`<${Status} is="held" />`}<${Battery} percent=${bike.batterylevel} />
    </p>
    <${Facts} rows=${rows} />
  </div>`;
}

// What may be done: only what makes sense of the bike as it is.
function Acts({ bike, again: then }) {
  const [asked, setAsked] = useState(null);
  const whom = t('number', bike.bikeid);
  const act = async (given, key) => {
    const kind = ACTS[asked];
    await kind.send(bike, given, key);
    await then();
    const back = (reason, anew) => kind.back(bike, reason, anew);
    done(t(`did_${asked}`, whom), back, { why: given.reason, then });
  };
  const isOut = bike.held || bike.status === BROKEN;
  const some = bike.retired ? ['unretire'] : ['hold', ...(isOut ? ['back'] : []), 'retire'];
  const button = (name, icon) =>
    html`<button key=${name} class="small-button" type="button" onClick=${() => setAsked(name)}>
      <${Icon} name=${icon} />${t(`act_${name}`)}
    </button>`;
  const close = () => setAsked(null);
  return html`<div class="acts" role="group" aria-label=${t('actsOf')}>
    ${button('edit', 'list')}${some.map((name) => button(name, ACTS[name].icon))}
    ${asked === 'edit' && html`<${EditDialog} bike=${bike} again=${then} close=${close} />`}
    ${asked && asked !== 'edit' && html`<${ReasonDialog} ...${questionOf(asked, whom)} work=${act} close=${close} />`}
  </div>`;
}

const holderOf = ({ holder }) => t(holder === STAFF ? 'byStaff' : 'heldBy', holder);

// Each lets go of its own hold only; an operator may let go of any, one by one.
function Holds({ bike, holds, again: then }) {
  const [asked, setAsked] = useState(null);
  const whom = t('number', bike.bikeid);
  const letGo = async ({ reason }, key) => {
    const { holder, reason: why, due } = asked;
    await release(bike.bikeid, reason, key, holder);
    await then();
    const back = (undone, anew) => hold(bike.bikeid, { reason: why || undone, due }, anew, holder);
    done(t('didRelease', whom), back, { why: reason, then });
  };
  const who = (by) =>
    /^[1-9][0-9]*$/.test(by) ? html`<a class="link" href="#/rider/${by}">${t('byAccount', by)}</a>` : by;
  const one = (of) => html`<li key=${of.holder}>
    <span class="grow">
      <span class="main">${of.reason || t('noReason')}</span>
      <span class="soft">${holderOf(of)} · ${spanOf(of)} · ${who(of.by)}</span>
    </span>
    <button class="small-button" type="button" onClick=${() => setAsked(of)}>${t('letGo')}</button>
  </li>`;
  return html`<section class="card" aria-label=${t('holds')}>
    <h2>${t('holds')}</h2>
    <ul class="listed holds">${holds.map(one)}</ul>
    ${
      asked &&
      html`<${ReasonDialog} title=${t('askRelease', whom)} hint=${t('hintRelease')} act=${t('letGo')} work=${letGo}
        close=${() => setAsked(null)} />`
    }
  </section>`;
}

// Where it stood, in order, numbered as on the map.
function Ends({ ends }) {
  const box = useMap(
    () => import('./storymap.js'),
    () => {},
    ends,
  );
  return html`<section class="card" aria-label=${t('ends')}>
    <h2>${t('ends')}</h2>
    <div class="map story-map" ref=${box} role="region" aria-label=${t('endsMap')} />
    <ol class="listed ends">
      ${ends.map(
        ({ at, location, lat, lon }, index) => html`<li key=${`${at} ${index}`}>
          <span class="grow">${place(location)}</span>
          <span class="soft">${pointOf({ lat, lon })}</span><time class="soft" datetime=${at}>${stamp(at)}</time>
        </li>`,
      )}
    </ol>
  </section>`;
}

function Story({ lines, cut }) {
  const { query } = useRoute();
  const [most, setMost] = useKept('story', SHOWN);
  const show = KINDS.includes(query.show) ? query.show : 'all';
  const shown = lines.filter((line) => (show === 'all' ? !line.isTold : line.kind === show));
  const choose = (kind) => narrow({ show: kind === 'all' ? '' : kind });
  const items = shown.slice(0, most).map((line) => html`<${Line} key=${line.id} ...${line} />`);
  return html`<h2>${t('story')}</h2>
    <${Chips} label=${t('story')} options=${KINDS.map((kind) => [kind, t(kind)])} chosen=${show} onChoose=${choose} />
    ${
      items.length
        ? html`<ol class="card story">${items}</ol>`
        : html`<${Empty} icon="list" title=${t('noStory')} hint=${t('noStoryHint')} />`
    }
    ${shown.length > most && html`<${More} onClick=${() => setMost(most + SHOWN)} />`}
    ${cut && html`<p class="soft">${t('storyCut', MOST)}</p>`}`;
}

const Way = ({ to: { href, text } }) =>
  href ? html`<a class="link soft" href=${href}>${text}</a>` : html`<span class="soft">${text}</span>`;

const Line = ({ icon, kind, at, text, more, by, of }) =>
  html`<li class=${kind}>
    <span class="sign small"><${Icon} name=${icon} /></span>
    <div class="grow">
      <p class="main">${text}</p>
      ${more && html`<p class="soft">${more}</p>`}
      ${(by || of) && html`<p class="line">${of && html`<${Way} to=${of} />`}${by && html`<${Way} to=${by} />`}</p>`}
    </div>
    <time class="soft" datetime=${at}>${at ? stamp(at) : t('timeUnknown')}</time>
  </li>`;
