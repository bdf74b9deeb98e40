// What every part is made with: elements written as HTML, and the hooks.
import { h, render } from './vendor/preact.js';
import htm from './vendor/htm.js';

export { render };
export { useEffect, useMemo, useRef, useState } from './vendor/hooks.js';
export const html = htm.bind(h);
