// Prometheus' text, read.

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** @param {string} text @returns {Sample[]} */
export function samples(text) {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (!name) return [];
    const known = [...labels.matchAll(LABEL)].map(([, key, of]) => [key, of]);
    return [{ name, labels: Object.fromEntries(known), value: Number(value) }];
  });
}

// Of all samples of a name whose labels are as wanted.
/** @param {Sample[]} all @param {string} name @param {Record<string, (value: string) => boolean>} wanted */
export function sum(all, name, wanted = {}) {
  const fits = (/** @type {Sample} */ one) =>
    one.name === name && Object.entries(wanted).every(([label, is]) => is(one.labels[label]));
  return all.filter(fits).reduce((so, one) => so + one.value, 0);
}
