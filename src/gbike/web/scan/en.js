// Words of the page where a bike's number is typed, or its code scanned.
export const en = {
  which: 'Which bike?',
  enter: 'Bike number', enterHint: 'The digits or the label below the bike’s QR code.', scan: 'Scan with camera',
  aim: 'Hold the QR code in view', digits: 'Please enter the number or the label.',
  nothingRead: 'No code in sight yet. Hold the phone closer, and where there is light.',
  notABike: 'This isn’t a bike’s code. Point the camera at the one on the bike.',
  noCamera: 'No camera was found on this device. Choose a photo, or type the number.',
  refused: 'The camera isn’t allowed here. Allow it in the browser’s settings, choose a photo, or type the number.',
  insecure: 'This address isn’t encrypted (http), so there is no camera. Choose a photo, or type the number.',
  cameraBusy: 'The camera can’t be opened. Close other apps that use it, choose a photo, or type the number.',
  noReader: 'The code reader can’t be loaded. Check the connection, or type the number.',
  photo: 'Take or choose a photo', readingPhoto: 'Reading the photo…',
  notInPhoto: 'No QR code was found in the photo. Take it again, with the code filling more of it.',
};
