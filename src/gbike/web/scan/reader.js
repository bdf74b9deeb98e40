// Reads codes of a camera and of photos, with the browser's own reader or else with ours, which is loaded then.
import { loaded } from '../shared/anew.js';

const FRAME = 480; // pixels of a side of what is looked at: the middle of the picture, as it is shown
const PHOTO = 1280;
const PAUSE_MS = 150; // between two looks
const PATIENT = { effort: 64, timeLimit: 2000 }; // in ms; a photo is looked at once

// Why there is no picture, by what the browser says of it.
const WHY = {
  NotAllowedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'noCamera',
  OverconstrainedError: 'noCamera',
  NotReadableError: 'cameraBusy',
  AbortError: 'cameraBusy',
};

export class NoPicture extends Error {
  /** @param {string} why */
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/** @typedef {(source: HTMLVideoElement | ImageBitmap) => Promise<string[]>} Reader The texts of the codes in it. */

/**
 * @param {number} most pixels of a side @param {(size: number[]) => number[]} cut @param {object} patience
 * @returns {Promise<Reader>}
 */
async function reader(most, cut, patience) {
  const Own = globalThis.BarcodeDetector;
  const kinds = Own && ((await Own.getSupportedFormats?.()) ?? ['qr_code']);
  if (kinds?.includes('qr_code')) {
    const own = new Own({ formats: ['qr_code'] });
    return async (source) => (await own.detect(source).catch(() => [])).map(({ rawValue }) => rawValue);
  }
  const load = () => import('../vendor/qr/decode.js');
  const { decodeQRBatch } = await loaded(load).catch(() => Promise.reject(new NoPicture('noReader')));
  const canvas = document.createElement('canvas');
  const drawn = canvas.getContext('2d', { willReadFrequently: true });
  return async (source) => {
    const size = source instanceof HTMLVideoElement ? [source.videoWidth, source.videoHeight] : sizeOf(source);
    const [wide, high] = cut(size);
    if (!wide || !high) return []; // the camera has shown nothing yet
    const scale = Math.min(1, most / Math.max(wide, high));
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
    const [left, top] = [(size[0] - wide) / 2, (size[1] - high) / 2];
    drawn.drawImage(source, left, top, wide, high, 0, 0, canvas.width, canvas.height);
    const image = drawn.getImageData(0, 0, canvas.width, canvas.height);
    const maxSize = { width: image.width, height: image.height };
    const [found] = await decodeQRBatch([image], { maxSize, ...patience });
    return found.filter((one) => typeof one === 'string');
  };
}

const sizeOf = ({ width, height }) => [width, height];
const square = ([wide, high]) => [Math.min(wide, high), Math.min(wide, high)];

// Shows the camera's picture and hands on the text of each code in it, until `isOver`. Raises NoPicture.
/** @param {HTMLVideoElement} video @param {(text: string) => void} heard @param {() => boolean} isOver */
export async function watch(video, heard, isOver) {
  if (!navigator.mediaDevices?.getUserMedia) throw new NoPicture(isSecureContext ? 'noCamera' : 'insecure');
  const asked = navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  const stream = await asked.catch(({ name }) => Promise.reject(new NoPicture(WHY[name] ?? 'noCamera')));
  try {
    video.srcObject = stream;
    await video.play();
    const read = await reader(FRAME, square, {});
    while (!isOver()) {
      for (const text of await read(video)) if (!isOver()) heard(text);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } catch (failed) {
    if (failed instanceof NoPicture) throw failed;
    if (!isOver()) throw new NoPicture('cameraBusy');
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

// The texts of the codes in a photo; none where the file is no picture. Raises NoPicture.
/** @param {Blob} file */
export async function readPhoto(file) {
  const read = await reader(PHOTO, (size) => size, PATIENT);
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return [];
  const texts = await read(picture);
  picture.close();
  return texts;
}
