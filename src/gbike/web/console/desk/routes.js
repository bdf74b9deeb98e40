// What an operator decides about has its pages here: rides, riders, money, people, and the log of all that was done.
import { html } from '../../shared/lib.js';
import { AuditPage } from './audit.js';
import { BillPage, MoneyPage } from './money.js';
import { Moved, PeoplePage } from './people.js';
import { PersonPage } from './person.js';
import { PointsPage } from './points.js';
import { RidePage } from './ride.js';
import { RiderPage } from './rider.js';
import { DebtsPage, RidersPage } from './riders.js';
import { RidesPage } from './rides.js';

// As those of main.js: which addresses, the page, its entry in the menu.
export const DESK = [
  [/^\/rides$/, () => html`<${RidesPage} />`, 'rides'],
  [/^\/ride\/([0-9]+)$/, (id) => html`<${RidePage} key=${id} rentid=${id} />`, 'rides'],
  [/^\/riders$/, () => html`<${RidersPage} />`, 'riders'],
  [/^\/rider\/([0-9]+)$/, (id) => html`<${RiderPage} key=${id} userid=${id} />`, 'riders'],
  [/^\/debts$/, () => html`<${DebtsPage} />`, 'riders'],
  [/^\/money$/, () => html`<${Moved} from="rider" to="#/rider/"><${MoneyPage} /><//>`, 'money'],
  [/^\/bill\/([0-9]+)$/, (id) => html`<${BillPage} key=${id} billid=${id} />`, 'money'],
  [/^\/people$/, () => html`<${PeoplePage} />`, 'people'],
  [/^\/people\/([0-9]+)$/, (id) => html`<${PersonPage} key=${id} userid=${id} />`, 'people'],
  [/^\/manager\/([0-9]+)$/, (id) => html`<${PointsPage} key=${id} managerid=${id} />`, 'people'],
  [
    /^\/managers$/,
    () => html`<${Moved} from="manager" to="#/manager/" otherwise="#/people?show=managers" />`,
    'people',
  ],
  [/^\/audit$/, () => html`<${AuditPage} />`, 'audit'],
];
