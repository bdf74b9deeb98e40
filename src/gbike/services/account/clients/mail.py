"""Mail to people: until an operator plugs in something better, a file from which the operator forwards.

A line names the account by its number only, so that the file holds nobody's contact.
"""

import os
from pathlib import Path

import msgspec

from gbike.kit.clock import rfc3339
from gbike.kit.telemetry import log
from gbike.services.account.domain import About

MOST_BYTES = 1024 * 1024
"""Of the file; then it begins anew: by then the tokens in it are long of no use."""
NOTICES = {
    About.PASSWORD: ("The password of your gbike account was changed.", "gbike 계정의 비밀번호가 바뀌었어요."),
    About.FACTOR: ("An authenticator was added to your gbike account.", "gbike 계정에 인증 앱이 등록됐어요."),
    About.FACTOR_GONE: ("The authenticator was taken from your gbike account.", "gbike 계정의 인증 앱이 해제됐어요."),
    About.RECOVERY: (
        "New recovery codes were made for your gbike account; those of before are of no use.",
        "gbike 계정의 복구 코드를 새로 만들었어요. 이전 코드는 쓸 수 없어요.",
    ),
    About.RECOVERED: (
        "Somebody signed in to your gbike account with a recovery code.",
        "복구 코드로 gbike 계정에 로그인했어요.",
    ),
    About.CONTACT_ASKED: (
        "Somebody who knows your password asked for another contact of your gbike account.",
        "gbike 계정의 연락처를 바꾸려는 요청이 있었어요.",
    ),
    About.CONTACT: (
        "The contact of your gbike account was changed to this one.",
        "gbike 계정의 연락처가 이 연락처로 바뀌었어요.",
    ),
    About.SIGN_UP: (
        "Somebody gave your contact as theirs. You have a gbike account already: sign in, or reset the password.",
        "누군가 이 연락처로 가입하려고 했어요. 이미 gbike 계정이 있으니 로그인하거나 비밀번호를 재설정해 주세요.",
    ),
    About.ROLES: ("What your gbike account may do was changed.", "gbike 계정의 권한이 바뀌었어요."),
    About.OVERDUE: (
        "Are you still riding? You have not returned your gbike bike yet. Return it in the app, or ask whoever runs"
        " gbike for help if you can't.",
        "아직 타고 계신가요? 빌린 gbike 자전거가 반납되지 않았어요. 앱에서 반납해 주세요. 반납할 수 없다면 운영팀에"
        " 문의해 주세요.",
    ),
}
FORGOTTEN = frozenset((About.OVERDUE,))
"""What nobody else can have done in their name."""
INVITED = (
    "You are invited to gbike. Come in here, once: {link}",
    "gbike에 초대받았어요. 이 링크로 한 번만 들어올 수 있어요: {link}",
)
NOT_YOU = ("If it was not you, set a new password.", "본인이 아니라면 비밀번호를 바꿔 주세요.")


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the file. `to`: the account, whose contact the operator looks up; for a contact code it is the one
    that it has yet to prove (`contact_wanted`). Or the invitation, whose contact is in the list of invitations."""

    to: str
    about: str
    link: str = ""
    code: str = ""
    expires: str = ""
    text: str = ""
    text_ko: str = ""


class LetterFile:
    """Sender: a line of JSON for each, in a file that only its owner reads."""

    def __init__(self, file: Path | None, page: str) -> None:
        """`file` None: nothing is sent. `page`: where people set their new password; the token follows its `#`."""
        self._file, self._page = file, page

    async def send_reset(self, userid: int, token: str, expires_ms: int) -> None:
        self._send(Letter(_whom(userid), "password reset", link=f"{self._page}#{token}", expires=rfc3339(expires_ms)))

    async def send_code(self, userid: int, code: str, expires_ms: int) -> None:
        english = f"{code} is the code that proves your contact at gbike. Give it to nobody."
        korean = f"gbike 연락처 확인 코드: {code}. 다른 사람에게 알려 주지 마세요."
        expires = rfc3339(expires_ms)
        self._send(Letter(_whom(userid), "contact code", code=code, expires=expires, text=english, text_ko=korean))

    async def send_invitation(self, invitationid: int, link: str, expires_ms: int) -> None:
        english, korean = (text.format(link=link) for text in INVITED)
        expires = rfc3339(expires_ms)
        letter = Letter(
            f"invitation {invitationid}", "invitation", link=link, expires=expires, text=english, text_ko=korean
        )
        self._send(letter)

    async def send_notice(self, userid: int, about: About) -> None:
        more = ("", "") if about in FORGOTTEN else NOT_YOU
        english, korean = (f"{what} {else_}".strip() for what, else_ in zip(NOTICES[about], more, strict=True))
        self._send(Letter(_whom(userid), about, text=english, text_ko=korean))

    async def forget(self, userid: int) -> None:
        if self._file is None or not self._file.exists():
            return
        theirs = f'"to":"{_whom(userid)}"'.encode()
        try:
            with self._file.open("r+b") as file:  # the same file, so that it stays its owner's alone
                kept = [line for line in file if theirs not in line]
                file.seek(0)
                file.writelines(kept)
                file.truncate()
        except OSError as failure:
            log.error("letters could not be taken back", service="account", why=failure.strerror)

    def _send(self, letter: Letter) -> None:
        if self._file is None:
            log.warning("a letter is not sent: GBIKE_RESET_FILE is not set", service="account", about=str(letter.about))
            return
        try:
            self._append(self._file, msgspec.json.encode(letter) + b"\n")
        except OSError as failure:
            log.error("a letter could not be sent", service="account", about=str(letter.about), why=failure.strerror)

    def _append(self, file: Path, line: bytes) -> None:
        if file.exists() and file.stat().st_size > MOST_BYTES:
            file.unlink()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
            out.write(line)


def _whom(userid: int) -> str:
    return f"account {userid}"
