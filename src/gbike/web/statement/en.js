// Words of the statement alone.
export const en = {
  statementHint: 'What came into your deposit and went out of it, newest first.',
  byFee: 'Ride fee',
  byRefund: 'Fee given back',
  byTopUp: 'Top-up',
  byPoints: 'Points converted',
  byOperator: 'Adjusted by the operator',
  byOpening: 'Opening deposit',
  byOther: 'Other',
  balanceThen: (krw) => `Balance ${krw}`,
  noMoves: 'Nothing here yet',
  noMovesHint: 'Top-ups and ride fees will be listed here.',
  refundedFor: (krw, why) => `${krw} · ${why}`,
  byComplaint: 'You told us that something was wrong with the bike',
};
