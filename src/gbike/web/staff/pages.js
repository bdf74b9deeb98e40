// The field staff's pages: a bike's number, two or three taps, the next bike; and what it brought them.
import NumberPage from '../scan/page.js';
import { html } from '../shared/lib.js';
import { learn } from '../shared/text.js';
import { BikePage } from './bike.js';
import { en } from './en.js';
import { HomePage } from './home.js';
import { ko } from './ko.js';
import { PointsPage } from './points.js';

learn({ ko, en });

export default function StaffPages({ at }) {
  const [, bikeid] = /^\/bike\/([0-9]+)$/.exec(at) ?? [];
  if (bikeid) return html`<${BikePage} key=${bikeid} bikeid=${bikeid} />`;
  if (at === '/number') return html`<${NumberPage} to="#/staff/bike/" back="#/staff" />`;
  if (at === '/points') return html`<${PointsPage} />`;
  return html`<${HomePage} />`;
}
