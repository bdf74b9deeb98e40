// The doors: signing in and up, a forgotten password, a new one. Loaded when somebody stands before one.
import { ask, plain, signedIn, signedOut } from '../shared/api.js';
import { given, html, useEffect, useRead, useSend, useState } from '../shared/lib.js';
import { Big, Field, Loaded, Notice, Page, Wrong } from '../shared/parts.js';
import { mustFill, Password, said, saidAt } from '../shared/session.js';
import { announce, keep, kept, OF_TAB, set, useStore } from '../shared/state.js';
import { learn, t } from '../shared/text.js';
import { en } from './en.js';
import { ko } from './ko.js';
import { TermsPage } from './terms.js';

learn({ ko, en });

const FORGOTTEN = { text: () => t('forgotAgain'), href: '#/forgot' };
let typed = ''; // the contact, on the way from one door to the next

// `app`: where the rider's pages are, seen from another page; `then`: done when they are in.
export default function Doors({ at, token, app = '', then }) {
  const { who } = useStore();
  const is = at in PAGES ? at : 'signin';
  if (who && (is === 'signin' || is === 'signup')) return html`<${Onward} roles=${who.roles} />`;
  return html`<${PAGES[is]} token=${token} app=${app} then=${then} />`;
}

// Who is in goes where they were going, else where their work is.
function Onward({ roles }) {
  useEffect(() => {
    const going = kept('going', null, OF_TAB);
    keep('going', null, OF_TAB);
    location.replace(going ?? landing(roles));
  }, []);
  return null;
}

const landing = (roles) =>
  roles.includes('admin') ? '/app/console' : roles.includes('bikeManager') ? '#/staff' : '#/';

const Told = ({ refusal }) => refusal?.text && html`<${Notice} ...${refusal} />`;

function Contact({ wrong, ...input }) {
  const about = { autocomplete: 'username', autocapitalize: 'none', maxlength: 254, defaultValue: typed, ...input };
  const keepIt = ({ target }) => {
    typed = target.value;
  };
  return html`<${Field} id="contact" label=${t('contact')} wrong=${wrong} onInput=${keepIt} ...${about} />`;
}

const atContact = (failed) => t(failed.facts?.detail === undefined ? 'needContact' : 'badContact');

function SignInPage({ app, then }) {
  const [code, setCode] = useState(false);
  const work = async (event) => {
    const { contact, password, code: six } = given(event);
    mustFill({ contact, password }, 'contact', 'password');
    const body = { contact: contact.trim(), password, ...(code && { code: six.trim() }) };
    try {
      signedIn(await plain('/sessions', body));
    } catch (failed) {
      if (failed.type !== 'code-needed') throw failed;
      return setCode(true);
    }
    typed = '';
    set({ notice: null });
    await then?.();
  };
  const say = (failed) => {
    if (failed.type === 'sign-in-refused') return { tone: 'bad', text: t(code ? 'wrongCode' : 'wrong') };
    const words = { contact: t('needContact'), password: t('needPassword'), code: t('badCode') };
    return saidAt(failed, 'signIn', words);
  };
  const { busy, refusal, send } = useSend(work, say);
  const { wrong } = refusal ?? {};
  const digits = { autocomplete: 'one-time-code', autocapitalize: 'characters', maxlength: 19 };
  return html`<${Page} title=${t('signIn')} onSubmit=${send}>
    <p class="soft">${t('signInSay')}</p>
    <${Told} refusal=${refusal} />
    <div class="card">
      <${Contact} wrong=${wrong?.contact} />
      <${Password} autocomplete="current-password" wrong=${wrong?.password} />
      ${code && html`<${Field} id="code" label=${t('code')} hint=${t('codeHint')} wrong=${wrong?.code} ...${digits} />`}
    </div>
    <${Big} type="submit" label=${t('signIn')} busyLabel=${t('sending')} busy=${busy} />
    <p class="aside"><a class="link" href="${app}#/forgot">${t('forgot')}</a></p>
    <p class="aside">${t('newHere')} <a class="link" href="${app}#/signup">${t('signUp')}</a></p>
  <//>`;
}
