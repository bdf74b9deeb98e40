// What waits for an operator, as figures that lead to it: rides that last too long, bikes that should be back, debts.
import { html, useRead } from '../shared/lib.js';
import { many, t } from '../shared/text.js';
import { page } from './fleet.js';
import { Figure } from './parts.js';
import { useFresh } from './serverlist.js';

// [what it is called, its sign, what counts it, its name there, the list of what it counts]
const NEEDS = [
  ['overdueRides', 'alert', '/rents?overdue=true', 'rents', '#/rides?overdue=true'],
  ['heldPastDue', 'wrench', '/bikes?due=past', 'bikes', '#/bikes?due=past'],
  ['debts', 'wallet', '/userDeposits?debt=true', 'userDeposits', '#/debts'],
];

const counted = () =>
  Promise.all(
    NEEDS.map(([, , path, name]) =>
      page(path, name, 1).then(
        ({ total }) => total,
        () => null,
      ),
    ),
  );

export function Needs() {
  const { found, again } = useRead(counted, []);
  useFresh(true, again);
  const figure = ([name, icon, , , href], number) => {
    const count = found?.[number] ?? null;
    const said = count === null ? '–' : many(count);
    const tone = count ? 'late' : '';
    return html`<${Figure} key=${name} name=${t(name)} value=${said} tone=${tone} icon=${icon} href=${href} />`;
  };
  return NEEDS.map(figure);
}
