// The doors: signing in and up, a forgotten password and a new one, and what people agree to. Loaded when somebody
// stands before one.
import { plain, signedIn } from '../shared/api.js';
import { mustFill, Password, saidAt } from '../shared/forms.js';
import { given, html, useEffect, useSend, useState } from '../shared/lib.js';
import { Big, Field, Page } from '../shared/parts.js';
import { keep, kept, OF_TAB, set, useStore } from '../shared/state.js';
import { learn, t } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';
import { Contact, forgetTyped, Told } from './parts.js';
import { ForgotPage, ResetPage } from './reset.js';
import { SignUpPage } from './signup.js';
import { TermsPage } from './terms.js';

learn({ ko, en });

const PAGES = { signup: SignUpPage, forgot: ForgotPage, reset: ResetPage, terms: TermsPage };

// `at`: which one, else signing in; `app`: where the rider's pages are, seen from another page; `then`: done when they
// are in.
export default function Doors({ at = 'signin', token = '', app = '', then = async () => {} }) {
  const { who } = useStore();
  if (who && (at === 'signin' || at === 'signup')) return html`<${Onward} roles=${who.roles} />`;
  return html`<${PAGES[at] ?? SignInPage} key=${at} token=${token} app=${app} then=${then} />`;
}

// Who is in goes where they were going, else where their work is: staff to their account first where that asks for a
// second factor.
function Onward({ roles }) {
  useEffect(() => {
    const going = kept('going', null, OF_TAB);
    keep('going', null, OF_TAB);
    location.replace(going ?? (kept('session')?.codes_needed ? '#/me' : homeOf(roles)));
  }, []);
  return null;
}

const homeOf = (roles) => {
  if (roles.includes('admin')) return '/app/console';
  return roles.includes('bikeManager') ? '#/staff' : '#/';
};

// Of a sign-in that is over: it is known, and the bikes are for anybody.
const letGo = () => set({ notice: null });

function SignInPage({ app, then }) {
  const [code, setCode] = useState(false);
  const work = async (event) => {
    const { contact, password, code: six } = given(event);
    const empty = { contact: t('needContact'), password: t('needPassword'), ...(code && { code: t('needCode') }) };
    mustFill({ contact, password, code: six }, empty);
    try {
      signedIn(await plain('/sessions', { contact: contact.trim(), password, ...(code && { code: six.trim() }) }));
    } catch (failed) {
      if (failed.type !== 'code-needed') throw failed;
      return setCode(true);
    }
    forgetTyped();
    set({ notice: null });
    await then();
  };
  const say = (failed) => {
    if (failed.type === 'sign-in-refused') return { tone: 'bad', text: t(code ? 'wrongCode' : 'wrong') };
    return saidAt(failed, 'signIn', { contact: t('badContact'), password: t('wrong'), code: t('badCode') });
  };
  const { busy, refusal, send } = useSend(work, say);
  const { wrong = {} } = refusal ?? {};
  const digits = { autocomplete: 'one-time-code', autocapitalize: 'characters', maxlength: 19 };
  useEffect(() => void (code && document.getElementById('code').focus()), [code]);
  return html`<${Page} title=${t('signIn')} onSubmit=${send}>
    <p class="soft">${t('signInSay')}</p>
    <${Told} refusal=${refusal} />
    <div class="card">
      <${Contact} wrong=${wrong.contact} />
      <${Password} autocomplete="current-password" wrong=${wrong.password} />
      ${code && html`<${Field} id="code" label=${t('code')} hint=${t('codeHint')} wrong=${wrong.code} ...${digits} />`}
    </div>
    <${Big} type="submit" label=${t('signIn')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside"><a class="link" href="${app}#/forgot">${t('forgot')}</a></p>
    <p class="aside">${t('newHere')} <a class="link" href="${app}#/signup">${t('signUp')}</a></p>
    ${!app && html`<p class="aside"><a class="link" href="#/" onClick=${letGo}>${t('lookFirst')}</a></p>`}
  <//>`;
}
