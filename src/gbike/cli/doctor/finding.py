"""One thing that is wrong or to be known, and what can be done."""

import msgspec

KOREAN = {
    "missing-secret": "비밀 파일이 없습니다",
    "open-secret": "다른 사용자가 비밀 파일을 읽을 수 있습니다",
    "weak-secret": "비밀 값이 약합니다",
    "missing-certificate": "인증서가 없거나 읽을 수 없습니다",
    "old-certificate": "인증서가 만료되었거나 곧 만료됩니다",
    "demo-in-production": "운영 설정에서 데모가 열려 있습니다",
    "demo-on-real-store": "데모가 다른 컴퓨터의 데이터베이스를 사용합니다",
    "test-payments": "누구나 돈을 내지 않고 충전할 수 있습니다",
    "broken-file": "파일이 손상되었거나 읽을 수 없어요. 백업을 빈 폴더에 복원하세요",
    "lost-store": "파일이 없거나 오래되었거나 다른 폴더의 파일입니다",
    "disk-space": "디스크 공간이 부족합니다",
    "open-bind": "이 컴퓨터 밖에서 접속할 수 있습니다",
    "old-schema": "스키마가 오래되었습니다",
    "clock-skew": "시계가 서로 다릅니다",
    "manager-number": "직원의 관리자 번호가 다른 이용자에게 등록되어 있습니다",
    "same-contact": "같은 연락처를 다르게 적은 계정이 여럿입니다",
    "engine-away": "연결할 수 없습니다",
    "log-lost": "Kafka의 데이터가 없어졌습니다",
    "log-set-back": "로그(bus.sqlite)가 없어졌거나 이전 것으로 바뀌었습니다",
    "new-default": "새 기본값 때문에 대여하지 못할 수 있는 이용자입니다",
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
