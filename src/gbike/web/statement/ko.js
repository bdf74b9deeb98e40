// 예치금 내역에만 쓰는 말.
export const ko = {
  statementHint: '예치금이 들어오고 나간 내역이에요. 최근 것부터 보여 드려요.',
  byFee: '이용 요금',
  byRefund: '요금 환불',
  byTopUp: '충전',
  byPoints: '포인트 전환',
  byOperator: '운영자 조정',
  byOpening: '처음 넣은 예치금',
  byOther: '기타',
  balanceThen: (krw) => `잔액 ${krw}`,
  noMoves: '아직 내역이 없어요',
  noMovesHint: '충전하거나 자전거를 타면 여기에 남아요.',
  refundedFor: (krw, why) => `${krw} · ${why}`,
  byComplaint: '자전거 문제를 알려 주셔서 요금을 돌려드렸어요',
};
