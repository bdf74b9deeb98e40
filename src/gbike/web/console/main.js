// The operator's console: which page an address means, who may see it, and the menu.

import { html, useEffect, useState } from '../shared/lib.js';
import { Big, Empty, Icon, Later, Loading, Notice, Page } from '../shared/parts.js';
import { begin } from '../shared/session.js';
import { Offline, pageAt, Shell, show, Tab, useRoute } from '../shared/shell.js';
import { kept, state, useStore } from '../shared/state.js';
import { learn, t } from '../shared/text.js';
import { Account } from './account.js';
import { AddPage } from './add.js';
import { BikesPage } from './bikelist.js';
import { BikePage } from './bikepage.js';
import { ChartsPage } from './charts.js';
import { en as deskEn } from './desk/en.js';
import { ko as deskKo } from './desk/ko.js';
import { DESK } from './desk/routes.js';
import { en } from './en.js';
import { FleetPage } from './fleetpage.js';
import { ImportPage } from './imports.js';
import { Keyboard, PaletteButton } from './keyboard.js';
import { ko } from './ko.js';
import { en as refusedEn } from './refusals/en.js';
import { ko as refusedKo } from './refusals/ko.js';
import { SystemPage } from './system.js';
import { WAYS } from './ways.js';

const PAGES = [
  [/^\/(?:signin)?$/, () => html`<${FleetPage} />`, 'fleet'],
  [/^\/bikes$/, () => html`<${BikesPage} />`, 'bikes'],
  [/^\/bike\/([0-9]+)$/, (id) => html`<${BikePage} key=${id} bikeid=${id} />`, 'bikes'],
  [/^\/signs$/, () => html`<${Signs} />`, 'bikes'],
  [/^\/add$/, () => html`<${AddPage} />`, 'add'],
  [/^\/imports\/([0-9]+)$/, (id) => html`<${ImportPage} key=${id} importid=${id} />`, 'add'],
  ...DESK,
  [/^\/charts$/, () => html`<${ChartsPage} />`, 'charts'],
  [/^\/system$/, () => html`<${SystemPage} />`, 'system'],
];
const DOORS = [[/./, () => html`<${Doors} />`]];
const NOT_YOURS = [[/./, () => html`<${NotYours} />`]];

// `codes_needed`: it will be theirs with a second factor.
const NotYours = () =>
  html`<${Page} title=${t('console')}>
    ${
      kept('session')?.codes_needed &&
      html`<${Notice} tone="calm" text=${t('codesNeeded')} way=${{ text: t('factor'), href: '/app/#/me/codes' }} />`
    }
    <${Empty} icon="person" title=${t('notYours')} hint=${t('notYoursHint')}>
      <${Big} label=${t('toRiders')} href="/app/" />
    <//>
    <${Account} />
  <//>`;

const doors = async () => (await import('../doors/pages.js')).default;
const Doors = () => html`<${Later} load=${doors} waiting=${html`<${Loading} rows=${4} />`} app="/app/" />`;

// Loaded with what makes its codes when it is opened.
const signs = async () => (await import('./signs.js')).SignsPage;
const Signs = () => html`<${Later} load=${signs} waiting=${html`<${Loading} rows=${4} />`} />`;

function App() {
  const { mode, who, online } = useStore();
  const { path } = useRoute();
  const isAdmin = who?.roles.includes('admin') || (mode === null && mayBeAdmin());
  const { page, tab } = pageAt(isAdmin ? PAGES : who ? NOT_YOURS : DOORS, path, 'fleet');
  const [open, setOpen] = useState(null);
  const about = { name: t('console'), mark: t('console'), page, top: !online && html`<${Offline} />` };
  const menu = html`<${Menu} tab=${tab} find=${() => setOpen('palette')} />`;
  const keyboard = html`<${Keyboard} open=${open} setOpen=${setOpen} />`;
  return html`<${Shell} ...${about} above=${isAdmin && menu} below=${isAdmin && keyboard} />`;
}

// Until it is known who looks: the menu stands where it will stand, so that nothing jumps.
const mayBeAdmin = () => kept('session')?.roles.includes('admin') ?? kept('mode') !== 'secure';

function Menu({ tab, find }) {
  useEffect(() => {
    document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [tab]);
  return html`<nav class="side" aria-label=${t('menu')}>
    <${PaletteButton} open=${find} />
    ${WAYS.filter(([, , , , isShown]) => isShown).map(
      ([name, icon, href]) => html`<${Tab} key=${name} name=${name} icon=${icon} href=${href} on=${name === tab} />`,
    )}
    <a class="away" href="/app/"><${Icon} name="back" /><span>${t('riderPages')}</span></a>
    <${Account} />
  </nav>`;
}

async function start() {
  learn({ ko, en });
  learn({ ko: deskKo, en: deskEn });
  learn({ ko: refusedKo, en: refusedEn });
  show(App);
  while (state.mode === null) {
    await begin();
    if (state.mode === null) await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  addEventListener('storage', ({ key }) => key === 'gbike.session' && begin());
}

start();
