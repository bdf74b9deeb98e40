"""What the pages say, in both languages, as the tests look for it."""

Words = dict[str, str]

KO: Words = {
    "locale": "ko-KR",
    "start": "번호 입력",
    "number": "자전거 번호",
    "next": "다음",
    "rent": "대여하기",
    "return": "반납하기",
    "here": "여기에 반납",
    "done": "반납했어요",
    "settled": "정산 완료",
    "finish": "확인",
    "rides": "이용 내역",
    "free": "대여 가능",
    "taken": "다른 분이 이용 중인 자전거예요",
    "unknown": "찾지 못했어요",
    "others": "다른 자전거 보기",
    "waiting": "한 번만 처리돼요",
    "not yet": "아직 반납되지 않았어요",
    "top up": "충전하기",
    "left": "남은 예치금",
    "riding": "이용 중",
    "no rides": "아직 이용 내역이 없어요",
    "staff": "현장 업무",
    "usable": "사용 가능",
    "fault": "고장",
    "battery first": "배터리를 먼저 골라 주세요",
    "reported": "보고했어요",
    "to deposit": "예치금으로 바꾸기",
    "convert": "예치금 {}으로 바꾸기",
}
EN: Words = {
    "locale": "en-US",
    "start": "Enter number",
    "number": "Bike number",
    "next": "Next",
    "rent": "Rent this bike",
    "return": "Return bike",
    "here": "Return here",
    "done": "Returned",
    "settled": "Paid",
    "finish": "Done",
    "rides": "Rides",
    "free": "Available",
    "taken": "Someone else is riding this bike",
    "unknown": "We can’t find bike",
    "others": "See other bikes",
    "waiting": "It counts once",
    "not yet": "Not returned yet",
    "top up": "Top up",
    "left": "Deposit left",
    "riding": "Riding",
    "no rides": "No rides yet",
    "staff": "Field work",
    "usable": "Usable",
    "fault": "Broken",
    "battery first": "Choose the charge first",
    "reported": "Reported",
    "to deposit": "Turn into deposit",
    "convert": "Turn into {}",
}


def won(amount: int, words: Words) -> str:
    """An amount as it is written there."""
    return f"{amount:,}원" if words is KO else f"₩{amount:,}"
