// Reading a bike's QR code with the browser's own detector, where it has one.
export const canScan = () => 'BarcodeDetector' in globalThis && Boolean(navigator.mediaDevices?.getUserMedia);

// A code holds the bike's number alone, or an address that ends with it.
export const numberIn = (text) => /(?:^|\/bike\/)([1-9][0-9]{0,15})$/.exec(text.trim())?.[1] ?? null;

// Answers the number, or null when `stop` was called first. Throws when there is no camera for us.
export async function scan(video, stopped) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    video.srcObject = stream;
    await video.play();
    const detector = new globalThis.BarcodeDetector({ formats: ['qr_code'] });
    while (!stopped()) {
      const [code] = await detector.detect(video);
      const number = code && numberIn(code.rawValue);
      if (number) return number;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
