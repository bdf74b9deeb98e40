interface Image {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}
/** `effort`: how often it tries otherwise, 1 at least; `timeLimit`: for how many ms. */
interface Patience {
  effort?: number;
  timeLimit?: number;
}
/** The texts of all codes in each image, and why it found no more. The largest image has `maxSize`. */
export function decodeQRBatch(
  images: Image[],
  options: Patience & { maxSize: { width: number; height: number } },
): Promise<(string | Error)[][]>;
