export const ko = {
  myPoints: '내 포인트', points: (n) => `${new Intl.NumberFormat('ko').format(n)}점`, toDeposit: '예치금으로 바꾸기',
  myReports: '내 보고', noReports: '아직 보고가 없어요', noReportsHint: '보고하면 여기에 남고 포인트를 받을 수 있어요.', managerNumber: '현장 직원 번호',
  managerHint: '데모에서는 로그인 없이 번호로 보고해요.', noManager: '현장 직원 번호가 없어요', noManagerHint: '운영자에게 번호를 요청해 주세요.',
  notReported: (id) => `${id}번 자전거는 보고되지 않았어요.`, by: (id) => `현장 직원 ${id}`,
  unseen: '연결이 끊겨 지금 상태를 볼 수 없어요. 보고는 할 수 있어요.',
  howFull: '배터리가 얼마나 남았나요?', batteryFirst: '배터리를 먼저 골라 주세요.', reported: '보고했어요', reportedHint: '받은 포인트는 곧 쌓여요.',
  nextBike: '다음 자전거', reportAgain: '다시 보고하기', lastReports: '최근 보고', inLine: (n) => `보낼 보고 ${n}건`,
  heldSay: (n) => `요청이 많아 보고 ${n}건이 기다려요.`, noPoints: '바꿀 포인트가 없어요', noPointsHint: '자전거를 보고하면 포인트를 받을 수 있어요.',
  howMany: '얼마를 바꿀까요?', allPoints: (n) => `전부 ${new Intl.NumberFormat('ko').format(n)}점`,
  onePointOneWon: '1점은 예치금 1원이 돼요.', convert: (krw) => `예치금 ${krw}으로 바꾸기`, converting: '바꾸는 중…', movements: '포인트 내역',
  forReport: (id) => `보고 ${id}`, toDepositDone: '예치금으로 바꿈', byHand: '직접 고침', opening: '시작 포인트',
};
