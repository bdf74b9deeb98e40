// A forgotten password: a link is asked for, and sets a new one.
import { plain, signedOut } from '../shared/api.js';
import { mustFill, Password, saidAt } from '../shared/forms.js';
import { given, html, useSend, useState } from '../shared/lib.js';
import { Big, Empty, Notice, Page } from '../shared/parts.js';
import { t } from '../shared/text.js';
import { Contact, Told } from './parts.js';

const AT = '/accounts/passwordResets';

// The answer is the same whether there is an account or not, and so is what is said of it.
export function ForgotPage() {
  const [sent, setSent] = useState('');
  const work = async (event) => {
    const { contact } = given(event);
    mustFill({ contact }, { contact: t('needContact') });
    await plain(AT, { contact: contact.trim() });
    setSent(contact.trim());
  };
  const bad = { contact: t('badContact') };
  const { busy, refusal, send } = useSend(work, (failed) =>
    saidAt(failed, 'forgot', { ...bad, 'contact-refused': bad }),
  );
  if (sent)
    return html`<${Page} title=${t('forgot')} back="#/signin">
      <${Empty} icon="check" title=${t('linkSent')} hint=${t('linkSentTo', sent)}>
        <${Big} kind="quiet" label=${t('askAgain')} onClick=${() => setSent('')} />
      <//>
    <//>`;
  return html`<${Page} title=${t('forgot')} back="#/signin" onSubmit=${send}>
    <p class="soft">${t('forgotSay')}</p>
    <${Told} refusal=${refusal} />
    <div class="card"><${Contact} wrong=${refusal?.wrong?.contact} /></div>
    <${Big} type="submit" label=${t('sendLink')} busyLabel=${t('sending')} busy=${busy} />
  <//>`;
}

// A new password ends every session of the account: they sign in with it.
export function ResetPage({ token }) {
  const [isOver, setIsOver] = useState(false);
  const work = async (event) => {
    const { password } = given(event);
    mustFill({ password }, { password: t('needPassword') });
    try {
      await plain(`${AT}/use`, { token, password });
    } catch (failed) {
      if (failed.type !== 'reset-refused') throw failed;
      return setIsOver(true);
    }
    location.replace('#/signin');
    signedOut({ tone: 'good', text: t('passwordSet') });
  };
  const words = { password: t('passwordHint'), 'weak-password': { password: t('weak') } };
  const { busy, refusal, send } = useSend(work, (failed) => saidAt(failed, 'reset', words));
  if (isOver)
    return html`<${Page} title=${t('newPassword')}>
      <${Notice} tone="bad" text=${t('linkOver')} />
      <${Big} label=${t('anotherLink')} href="#/forgot" />
    <//>`;
  const input = { autocomplete: 'new-password', hint: t('passwordHint') };
  return html`<${Page} title=${t('newPassword')} onSubmit=${send}>
    <p class="soft">${t('newPasswordSay')}</p>
    <${Told} refusal=${refusal} />
    <div class="card"><${Password} label=${t('newPassword')} wrong=${refusal?.wrong?.password} ...${input} /></div>
    <${Big} type="submit" label=${t('setPassword')} busyLabel=${t('sending')} busy=${busy} />
  <//>`;
}
