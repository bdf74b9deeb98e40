export const en = {
  myPoints: 'My points', points: (n) => `${new Intl.NumberFormat('en').format(n)} ${n === 1 ? 'point' : 'points'}`, toDeposit: 'Turn into deposit', myReports: 'My reports', noReports: 'No reports yet',
  noReportsHint: 'What you report stays here and can earn points.', managerNumber: 'Manager number', managerHint: 'In the demo you report with a number, without signing in.',
  noManager: 'No manager number', noManagerHint: 'Ask your operator for one.', notReported: (id) => `Bike ${id} was not reported.`,
  by: (id) => `Manager ${id}`, unseen: 'No connection, so we can’t show how it is now. You can still report.',
  howFull: 'How much charge is left?', batteryFirst: 'Choose the charge first.', reported: 'Reported', reportedHint: 'What it earned arrives in a moment.',
  nextBike: 'Next bike', reportAgain: 'Report again', lastReports: 'Last reports', inLine: (n) => `${n} ${n === 1 ? 'report' : 'reports'} to send`, heldSay: (n) => `It’s busy: ${n} ${n === 1 ? 'report waits' : 'reports wait'}.`,
  noPoints: 'No points to turn', noPointsHint: 'Report a bike and you can earn some.', howMany: 'How many?', allPoints: (n) => `All ${new Intl.NumberFormat('en').format(n)}`,
  onePointOneWon: 'One point becomes ₩1 of deposit.', convert: (krw) => `Turn into ${krw}`, converting: 'Turning…', movements: 'Movements',
  forReport: (id) => `Report ${id}`, toDepositDone: 'Turned into deposit', opening: 'Points at the start',
};
