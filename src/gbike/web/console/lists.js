// Lists that are read from a service piece by piece, as large as somebody asked for.
import { html, useKept, useRead } from '../shared/lib.js';
import { Empty, Failed, Loading, More } from '../shared/parts.js';
import { t } from '../shared/text.js';
import { page } from './fleet.js';

const PAGE = 100;
const MOST = 1000;

export function useList(path, name) {
  const [size, setSize] = useKept(`size ${path}`, PAGE);
  const { found, failed, again } = useRead(() => page(path, name, Math.min(size, MOST)), [path, size]);
  const { rows = null, total = 0 } = found ?? {};
  const more = rows && rows.length < Math.min(total, MOST) && (() => setSize(size + PAGE));
  return { rows, total, failed, again, more };
}

export const Listed = ({ list: { rows, total, failed, again, more }, empty, hint, icon = 'list', children }) => {
  if (!rows) return failed ? html`<${Failed} again=${again} />` : html`<${Loading} rows=${5} />`;
  if (!rows.length) return html`<${Empty} icon=${icon} title=${empty} hint=${hint} />`;
  return html`<p class="soft">${t('shown', rows.length, total)}</p>${children}
    ${more && html`<${More} onClick=${more} />`}`;
};
