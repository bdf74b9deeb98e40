// Signing up: who one is, and what one agrees to. Where one stands is a consent of its own, and riding needs none.
import { plain } from '../shared/api.js';
import { mustFill, Password, saidAt } from '../shared/forms.js';
import { given, html, useRead, useSend } from '../shared/lib.js';
import { Big, Field, Icon, Loaded, Page, Wrong } from '../shared/parts.js';
import { announce } from '../shared/state.js';
import { t } from '../shared/text.js';
import { Contact, Told } from './parts.js';
import { readTerms } from './terms.js';

export function SignUpPage() {
  const read = useRead(readTerms, []);
  if (read.found) return html`<${SignUp} terms=${read.found} again=${read.again} />`;
  return html`<${Page} title=${t('signUp')} back="#/signin"><${Loaded} of=${read} rows=${4} /><//>`;
}

const emptyWords = () => ({
  name: t('needName'),
  contact: t('needContact'),
  password: t('needPassword'),
  agreed: t('needTerms'),
});

function SignUp({ terms, again }) {
  const work = async (event) => {
    const { name, contact, password, terms: agreed = '', location: located } = given(event);
    mustFill({ name, contact, password, agreed }, emptyWords());
    const { version } = terms;
    const consents = { terms: version, ...(located && { location: version }) };
    await plain('/accounts', { name: name.trim(), contact: contact.trim(), password, consents });
    announce(t('received'));
    location.hash = '#/signin';
  };
  const say = (failed) => {
    if (failed.type === 'terms-changed') again();
    const bad = { contact: t('badContact') };
    return saidAt(failed, 'signUp', {
      ...bad,
      name: t('badName'),
      password: t('passwordHint'),
      'contact-refused': bad,
      'weak-password': { password: t('weak') },
      'terms-changed': { agreed: t('termsChanged') },
    });
  };
  const { busy, refusal, send } = useSend(work, say);
  const { wrong = {} } = refusal ?? {};
  return html`<${Page} title=${t('signUp')} back="#/signin" onSubmit=${send}>
    <${Told} refusal=${refusal} />
    <div class="card">
      <${Field} id="name" label=${t('name')} autocomplete="name" maxlength="100" wrong=${wrong.name} />
      <${Contact} wrong=${wrong.contact} />
      <${Password} hint=${t('passwordHint')} autocomplete="new-password" wrong=${wrong.password} />
    </div>
    <fieldset class="card consents">
      <legend class="unseen">${t('terms')}</legend>
      <${Consent} key=${terms.version} name="terms" href=${terms.terms} wrong=${wrong.agreed} />
      <${Consent} name="location" href=${terms.location} />
    </fieldset>
    <${Big} type="submit" label=${t('signUp')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside">${t('known')} <a class="link" href="#/signin">${t('signIn')}</a></p>
  <//>`;
}

// What is agreed to opens beside the form, so that nothing typed is lost.
function Consent({ name, href, wrong }) {
  const described = wrong ? `${name}-wrong` : undefined;
  const about = { id: name, name, 'aria-describedby': described, 'aria-invalid': wrong ? 'true' : undefined };
  return html`<div>
    <p>
      <label for=${name}><input type="checkbox" value="yes" ...${about} /><span>${t(`agree_${name}`)}</span></label>
      <a class="link" href=${href ?? '#/terms'} target="_blank" rel="noopener" aria-label=${t(`read_${name}`)}>
        ${t('read')}<${Icon} name="next" />
      </a>
    </p>
    ${wrong && html`<${Wrong} id=${described} text=${wrong} />`}
  </div>`;
}
