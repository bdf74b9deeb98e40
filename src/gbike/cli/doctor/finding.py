"""One thing that is wrong or to be known, and what can be done."""

import msgspec

KOREAN = {
    "missing-secret": "비밀 파일이 없어요",
    "open-secret": "다른 사용자가 비밀 파일을 읽을 수 있어요",
    "weak-secret": "비밀 값이 약해요",
    "missing-certificate": "인증서가 없거나 읽을 수 없어요",
    "old-certificate": "인증서가 만료됐거나 곧 만료돼요",
    "demo-in-production": "운영 설정에서 데모가 열려 있어요",
    "demo-on-real-store": "데모가 다른 컴퓨터의 데이터베이스를 사용해요",
    "test-payments": "누구나 돈을 내지 않고 충전할 수 있어요",
    "broken-file": "파일이 손상됐거나 읽을 수 없어요. 백업을 빈 폴더에 복원하세요",
    "lost-store": "파일이 없거나 오래되었거나 다른 폴더의 파일이에요",
    "disk-space": "디스크 공간이 부족해요",
    "open-bind": "이 컴퓨터 밖에서 접속할 수 있어요",
    "old-schema": "스키마가 오래됐어요",
    "clock-skew": "시계가 서로 달라요",
    "manager-number": "현장 직원의 번호가 다른 이용자에게 등록돼 있어요",
    "same-contact": "같은 연락처를 다르게 적은 계정이 여럿이에요",
    "engine-away": "연결할 수 없어요",
    "log-lost": "Kafka의 데이터가 없어졌어요",
    "log-set-back": "로그(bus.sqlite)가 없어졌거나 이전 것으로 바뀌었어요",
    "new-default": "새 기본값 때문에 대여하지 못할 수 있는 이용자예요",
}
"""Every rule, and what it says in Korean."""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong by which rule, and how to mend it. Not `wrong`: told, and no reason for an exit code of 1."""

    rule: str
    what: str
    mend: str
    wrong: bool = True

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}; {self.mend} · {KOREAN[self.rule]}"
