"""What people are written, in both languages. How it reaches them: a file from which the operator forwards
(letter_file.py), or e-mail (smtp.py)."""

from typing import Protocol

import msgspec

from gbike.kit.clock import rfc3339
from gbike.services.account.domain import About

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
RESET = (
    "Set a new password for your gbike account here, once, within {minutes} minutes: {link} If it was not you who"
    " asked for it, there is nothing to do: the password stays as it is.",
    "이 링크에서 gbike 계정의 비밀번호를 새로 정할 수 있어요. {minutes}분 안에 한 번만 쓸 수 있어요: {link} 요청하지"
    " 않았다면 그대로 두셔도 돼요. 비밀번호는 바뀌지 않아요.",
)
NOT_YOU = ("If it was not you, set a new password.", "본인이 아니라면 비밀번호를 바꿔 주세요.")


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A letter as it stands in the file. `to`: the account, whose contact the operator looks up; for a contact code it
    is the one that it has yet to prove (`contact_wanted`). Or the invitation, whose contact is in the list of
    invitations."""

    to: str
    about: str
    link: str = ""
    code: str = ""
    expires: str = ""
    text: str = ""
    text_ko: str = ""


class Post(Protocol):
    """What brings a letter to a contact, now or later. It tells of its failures itself."""

    def bring(self, letter: Letter, contact: str) -> None:
        """Take the letter; whoever wrote it waits for nobody."""

    def forget(self, whom: str) -> None:
        """Take back what lies ready for them."""


class Letters:
    """Sender: writes what is to be told, and hands it to the post."""

    def __init__(self, post: Post, reset_page: str, reset_minutes: int) -> None:
        """`reset_page`: where people set their new password; the token follows it."""
        self._post = post
        self._page, self._minutes = reset_page, reset_minutes

    async def send_reset(self, userid: int, contact: str, token: str, expires_ms: int) -> None:
        link = self._page + token
        english, korean = (text.format(link=link, minutes=self._minutes) for text in RESET)
        whom, expires = _whom(userid), rfc3339(expires_ms)
        letter = Letter(whom, "password reset", link=link, expires=expires, text=english, text_ko=korean)
        self._post.bring(letter, contact)

    async def send_code(self, userid: int, contact: str, code: str, expires_ms: int) -> None:
        english = f"{code} is the code that proves your contact at gbike. Give it to nobody."
        korean = f"gbike 연락처 확인 코드: {code}. 다른 사람에게 알려 주지 마세요."
        whom, expires = _whom(userid), rfc3339(expires_ms)
        letter = Letter(whom, "contact code", code=code, expires=expires, text=english, text_ko=korean)
        self._post.bring(letter, contact)

    async def send_invitation(self, invitationid: int, contact: str, link: str, expires_ms: int) -> None:
        english, korean = (text.format(link=link) for text in INVITED)
        whom, expires = f"invitation {invitationid}", rfc3339(expires_ms)
        letter = Letter(whom, "invitation", link=link, expires=expires, text=english, text_ko=korean)
        self._post.bring(letter, contact)

    async def send_notice(self, userid: int, contact: str, about: About) -> None:
        more = ("", "") if about in FORGOTTEN else NOT_YOU
        english, korean = (f"{what} {else_}".strip() for what, else_ in zip(NOTICES[about], more, strict=True))
        self._post.bring(Letter(_whom(userid), about, text=english, text_ko=korean), contact)

    async def forget(self, userid: int) -> None:
        self._post.forget(_whom(userid))


def _whom(userid: int) -> str:
    return f"account {userid}"
