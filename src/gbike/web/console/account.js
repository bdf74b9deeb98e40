// Who is signed in, the way to their own account, and the way out.
import { askMaybe } from '../shared/api.js';
import { html, useRead } from '../shared/lib.js';
import { Icon } from '../shared/parts.js';
import { signOut } from '../shared/session.js';
import { useStore } from '../shared/state.js';
import { t } from '../shared/text.js';

export function Account() {
  const { mode, who } = useStore();
  const isAccount = mode === 'secure' && who; // in the demo there is none
  const { found } = useRead(
    async () => (isAccount ? askMaybe(`/accounts/${who.userid}`) : null),
    [isAccount, who?.userid],
  );
  return html`<div class="account">
    <a href="/app/#/me" aria-label=${found?.name ? t('ownAccountOf', found.name) : undefined}>
      <${Icon} name="person" /><span>${found?.name ?? t('me')}</span>
    </a>
    ${isAccount && html`<button class="link" type="button" onClick=${signOut}>${t('signOut')}</button>`}
  </div>`;
}
