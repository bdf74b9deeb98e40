// 자전거의 문제를 알리는 화면에만 쓰는 말.
export const ko = {
  complainKind: '어떤 문제가 있나요?', complainWords: '덧붙일 말', complainHint: '적지 않아도 돼요. 전화번호처럼 개인적인 내용은 적지 마세요.',
  complainSend: '알리기', kindFirst: '어떤 문제인지 먼저 골라 주세요.', wordsFirst: '어떤 문제인지 적어 주세요.',
  kind_brake: '브레이크', kind_tyre: '타이어', kind_chain: '체인', kind_steering: '핸들', kind_light: '라이트', kind_battery: '배터리',
  kind_lock: '자물쇠', kind_seat: '안장', kind_dirty: '더러워요', kind_missing: '자리에 없어요',
  kind_safety: '타기 위험해요', kind_other: '그 밖의 문제',
  dontRide: '타지 말고 안전한 곳에 세워 두세요.',
  complainKept: '연결되면 바로 보낼게요. 한 번만 처리돼요.', goOn: '계속 이용하기', complained: '알려 주셔서 고마워요',
  isTakenOut: '이 자전거는 점검이 끝날 때까지 아무도 빌릴 수 없어요.',
  willLook: '현장 직원이 볼 수 있게 남겨 두었어요. 다른 분도 문제를 알리면 바로 점검해요.',
  freeUntil: (at) => `자전거를 빌린 곳에 ${at}까지 반납하면 이번 이용은 요금이 없어요. 하루 한 번이에요.`,
  freeBack: '자전거를 빌린 곳에 3분 안에 반납했다면 이용 요금을 돌려드려요. 하루 한 번이에요.',
};
