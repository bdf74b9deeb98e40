// How full a bike's battery is, to the percent: a slider for gloves, a field for a number, one up and one down.
import { html } from '../shared/lib.js';
import { Wrong } from '../shared/parts.js';
import { t } from '../shared/text.js';

const UNTOLD = 50; // where the slider stands before anybody touched it

/** @param {string} text @returns {number | null} null: it is none from 0 to 100 */
export function percentOf(text) {
  const written = text.trim().replace(/\s*%$/, '');
  return /^[0-9]{1,3}$/.test(written) && Number(written) <= 100 ? Number(written) : null;
}

/** @param {{ text: string, onWrite: (text: string) => void, wrong: boolean }} props */
export function Charge({ text, onWrite, wrong }) {
  const percent = percentOf(text);
  const missing = wrong && percent === null;
  const touched = ({ target }) => onWrite(target.value); // also where it stands already
  const by = (step) => () => onWrite(String(Math.min(100, Math.max(0, (percent ?? UNTOLD) + step))));
  const described = missing ? 'battery-wrong' : undefined;
  const field = { inputmode: 'numeric', maxlength: 5, autocomplete: 'off', enterkeyhint: 'done' };
  const slider = {
    ...{ type: 'range', min: 0, max: 100, step: 1, value: percent ?? UNTOLD },
    style: { '--at': `${percent ?? 0}%` },
    'aria-valuetext': percent === null ? t('untold') : `${percent}%`,
  };
  return html`<fieldset class="charging">
    <legend>${t('howFull')}</legend>
    <div class="exact">
      <button class="step" type="button" aria-label=${t('oneLess')} onClick=${by(-1)}>−</button>
      <span class="percent">
        <input id="battery" aria-label=${t('percent')} value=${text} aria-invalid=${missing ? 'true' : undefined}
          aria-describedby=${described} onInput=${touched} ...${field} />
        <span aria-hidden="true">%</span>
      </span>
      <button class="step" type="button" aria-label=${t('oneMore')} onClick=${by(1)}>+</button>
    </div>
    <input class=${percent === null ? 'untold' : ''} aria-label=${t('howFull')} ...${slider} onInput=${touched}
      onClick=${touched} />
    ${missing && html`<${Wrong} id="battery-wrong" text=${t(text.trim() ? 'batteryWrong' : 'batteryFirst')} />`}
  </fieldset>`;
}
