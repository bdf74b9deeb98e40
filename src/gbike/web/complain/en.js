// Words of the page where somebody tells what is wrong with a bike.
export const en = {
  complainKind: 'What’s wrong?', complainWords: 'Anything to add',
  complainHint: 'You may leave this empty. Please don’t write anything personal, such as a phone number.',
  complainSend: 'Tell us', kindFirst: 'Please choose what’s wrong first.', wordsFirst: 'Please write what’s wrong.',
  kind_brake: 'Brakes', kind_tyre: 'Tyre', kind_chain: 'Chain', kind_steering: 'Handlebar', kind_light: 'Lights',
  kind_battery: 'Battery', kind_lock: 'Lock', kind_seat: 'Seat', kind_dirty: 'Dirty', kind_missing: 'Not here',
  kind_safety: 'Unsafe to ride', kind_other: 'Something else',
  dontRide: 'Don’t ride it. Park it somewhere safe.',
  complainKept: 'It’s sent as soon as you’re connected, and only once.',
  goOn: 'Go on', complained: 'Thank you for telling us',
  isTakenOut: 'Nobody can rent this bike until it has been checked.',
  willLook: 'Our field staff can see it now. If somebody else tells us too, the bike is taken out at once.',
  freeUntil: (at) => `Give the bike back where you took it by ${at} and this ride costs nothing. Once a day.`,
  freeBack: 'If you gave the bike back where you took it within 3 minutes, you get the fee back. Once a day.',
};
