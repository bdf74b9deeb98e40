// What somebody typed, or a code says, of a bike: its number or its label.
const NUMBER = /^0*([1-9][0-9]{0,15})$/;
const LABEL = /^(?=.*[a-z])[a-z0-9-]{1,36}$/i;

/** @param {string} text @returns {{ bikeid: string } | { label: string } | null} */
function named(text) {
  const [, bikeid] = NUMBER.exec(text) ?? [];
  if (bikeid) return { bikeid };
  return LABEL.test(text) ? { label: text } : null;
}

// A name alone, or an address of a bike: `…/bike/NAME`, or else one that ends with a name which has a digit, since
// `…/menu` is any shop's.
/** @param {string} text */
export function meant(text) {
  const plain = text.normalize('NFKC').trim();
  const [, behind] = /\/bike\/([^/?#]+)/i.exec(plain) ?? [];
  if (behind) return named(behind);
  const path = plain.replace(/[?#].*$/s, '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '/');
  const last = /[^/]*(?=\/*$)/.exec(path)?.[0] ?? '';
  return path === last || /[0-9]/.test(last) ? named(last) : null;
}
