// Words of the page of who was invited.
export const en = {
  invited: 'You’re invited',
  invitedMay: 'With this invitation you can',
  invitedUntil: (at) => `Good once, until ${at}.`,
  mayRider: 'Rent and return bikes',
  mayBikeManager: 'Look after bikes: report batteries and faults, and earn points',
  mayAdmin: 'Run the service: bikes and rides, money and people',
  invitedNew: 'Choose a name and a password. You sign in with the contact that was invited.',
  invitedJoin: 'Create my account',
  invitedKnown: 'This contact has an account. Its password stays as it is; it can only do more.',
  invitedTake: 'Accept the invitation',
  joined: 'Your account is ready. Sign in with the contact that was invited and your password.',
  granted: 'Accepted. Sign in with the password that you have.',
  invitedOver: 'This invitation was used or withdrawn, or it is over. Ask whoever invited you for another one.',
};
