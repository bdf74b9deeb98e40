// What several doors have.
import { html } from '../shared/lib.js';
import { Field, Notice } from '../shared/parts.js';
import { t } from '../shared/text.js';

export const Told = ({ refusal }) => refusal?.text && html`<${Notice} ...${refusal} />`;

let typed = ''; // on the way from one door to the next

export const forgetTyped = () => {
  typed = '';
};

export function Contact({ wrong }) {
  const keepTyped = ({ target: { value } }) => {
    typed = value;
  };
  const about = { autocomplete: 'username', autocapitalize: 'none', maxlength: 254, defaultValue: typed };
  return html`<${Field} id="contact" label=${t('contact')} wrong=${wrong} onInput=${keepTyped} ...${about} />`;
}
