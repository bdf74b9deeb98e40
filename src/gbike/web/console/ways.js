// The console's pages and the things that have one: what the menu, the keyboard and the palette go to.

// [what it is called, its sign, its address, the letter after g, whether the menu has it]
/** @type {[string, string, string, string, boolean][]} */
export const WAYS = [
  ['fleet', 'map', '#/', 'm', true],
  ['bikes', 'bike', '#/bikes', 'b', true],
  ['rides', 'clock', '#/rides', 'r', true],
  ['riders', 'person', '#/riders', 'i', true],
  ['add', 'plus', '#/add', 'a', true],
  ['money', 'wallet', '#/money', 'w', true],
  ['debts', 'wallet', '#/debts', 'd', false],
  ['people', 'people', '#/people', 'p', true],
  ['audit', 'list', '#/audit', 'u', true],
  ['charts', 'chart', '#/charts', 'c', true],
  ['signs', 'scan', '#/signs', 's', false],
  ['system', 'pulse', '#/system', 'y', true],
];

// What has a number and a page of its own: how the page is called, its sign, its address, what people write for it.
/** @type {[string, string, string, string[]][]} */
export const THINGS = [
  ['number', 'bike', '#/bike/', ['bike', 'b', '자전거']],
  ['rideNo', 'clock', '#/ride/', ['ride', 'rent', '대여', '이용']],
  ['riderNo', 'person', '#/rider/', ['rider', 'user', '이용자', '회원']],
  ['billNo', 'wallet', '#/bill/', ['bill', '청구']],
];

// The things that somebody means who wrote this: "bike 17", "17번 자전거", "rider 3"; a number alone may be any of them.
/** @param {string} words @returns {{ name: string, icon: string, number: string, href: string }[]} */
export function thingsOf(words) {
  const [, before, number, after] = /^(\D*?)\s*#?([0-9]{1,16})\s*번?\s*(\D*)$/.exec(words.trim().toLowerCase()) ?? [];
  if (!number || !Number(number) || (before && after)) return [];
  const said = (before || after || '').trim();
  return THINGS.filter(([, , , called]) => !said || called.includes(said)).map(([name, icon, href]) => ({
    name,
    icon,
    number: String(BigInt(number)),
    href: href + BigInt(number),
  }));
}
