// A QR code as what an SVG draws. Loaded, with what makes it, where one is shown.
import qrcode from '../vendor/qrcode.js';

const QUIET = 4; // modules of white around a code

// The dark modules of a code that stays readable with a quarter of it worn off, each run of them one rectangle.
export function drawn(text) {
  const code = qrcode(0, 'Q');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = '';
  for (let row = 0; row < size; row += 1)
    for (let column = 0, run = 0; column <= size; column += 1)
      if (column < size && code.isDark(row, column)) run += 1;
      else {
        if (run) path += `M${column - run} ${row}h${run}v1h-${run}z`;
        run = 0;
      }
  const wide = size + 2 * QUIET;
  return { path, box: `-${QUIET} -${QUIET} ${wide} ${wide}` };
}
