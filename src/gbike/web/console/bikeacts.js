// What an operator does to a bike, and how it is undone: the same for one bike and for many.
import { ask } from '../shared/api.js';
import { BROKEN, FREE } from '../shared/rental.js';
import { t } from '../shared/text.js';

export const STAFF = 'staff'; // who holds what operators hold by hand

const at = (bikeid) => `/bikes/${bikeid}`;
const holdAt = (bikeid, holder = STAFF) => `${at(bikeid)}/holds/${holder}`;
const retirement = (bikeid) => `${at(bikeid)}/retirement`;
const sent = (method, path, body, key) => ask(method, path, { body, key });

export const hold = (bikeid, { reason, due }, key, holder = STAFF) =>
  sent('PUT', holdAt(bikeid, holder), due ? { reason, due } : { reason }, key);
export const release = (bikeid, reason, key, holder = STAFF) => sent('DELETE', holdAt(bikeid, holder), { reason }, key);
export const change = (bikeid, body, key) => sent('PATCH', at(bikeid), body, key);

// `send` and `back` take a bike, what was given and a key; `back` is the act that undoes it.
export const ACTS = {
  hold: {
    icon: 'wrench',
    fields: () => [{ name: 'due', kind: 'day', label: t('dueDay'), hint: t('dueHint') }],
    send: ({ bikeid }, given, key) => hold(bikeid, given, key),
    back: ({ bikeid }, reason, key) => release(bikeid, reason, key),
  },
  back: {
    icon: 'check',
    send: ({ bikeid }, { reason }, key) => change(bikeid, { status: FREE, reason }, key),
    back: (bike, reason, key) =>
      bike.held
        ? hold(bike.bikeid, { reason, due: bike.due }, key)
        : change(bike.bikeid, { status: BROKEN, reason }, key),
  },
  retire: {
    icon: 'alert',
    tone: 'grave',
    send: ({ bikeid }, { reason }, key) => sent('POST', retirement(bikeid), { reason }, key),
    back: ({ bikeid }, reason, key) => sent('DELETE', retirement(bikeid), { reason }, key),
  },
  unretire: {
    icon: 'back',
    send: ({ bikeid }, { reason }, key) => sent('DELETE', retirement(bikeid), { reason }, key),
    back: ({ bikeid }, reason, key) => sent('POST', retirement(bikeid), { reason }, key),
  },
};

// What the dialog of an act asks; `whom`: how the bikes are called in its question.
export const questionOf = (act, whom) => ({
  title: t(`ask_${act}`, whom),
  hint: t(`hint_${act}`),
  act: t(`act_${act}`),
  tone: ACTS[act].tone ?? 'primary',
  fields: ACTS[act].fields?.() ?? [],
});
