"""How account refuses."""

from gbike.kit import contacts, passwords
from gbike.kit.http.app import Refusals
from gbike.kit.http.problems import ProblemType
from gbike.services.account import domain

UNKNOWN = ProblemType(
    "account-unknown",
    404,
    "No such account",
    "없는 계정",
    "There is no account {userid}, or it is not yours.",
    "{userid}번 계정이 없거나 본인의 계정이 아닙니다.",
)
REFUSED = ProblemType(
    "sign-in-refused",
    401,
    "That does not fit",
    "로그인 정보가 맞지 않음",
    "Contact, password and code do not fit together.",
    "연락처, 비밀번호, 인증 코드가 서로 맞지 않습니다.",
)
CODE = ProblemType(
    "code-needed",
    401,
    "A one-time code is needed too",
    "인증 코드 필요",
    "Send the code of your authenticator as `code` too.",
    "인증 앱의 코드를 `code`로 함께 보내 주세요.",
)
WAIT = ProblemType(
    "too-many-tries",
    429,
    "Too many failed tries",
    "실패 횟수 초과",
    "There were too many failed tries. Please try again later.",
    "로그인에 여러 번 실패했습니다. 잠시 후 다시 시도해 주세요.",
)
SIGN_UPS = ProblemType(
    "too-many-sign-ups",
    429,
    "Too many sign-ups from here",
    "가입 요청이 너무 많음",
    "More accounts were made from this network than are let through at once; nothing was done. Please try again later.",
    "같은 네트워크에서 가입이 많아 처리되지 않았습니다. 잠시 후 다시 시도해 주세요.",
)
RESETS = ProblemType(
    "too-many-resets",
    429,
    "Too many resets from here",
    "비밀번호 재설정 요청이 너무 많음",
    "More resets were asked for from this network than are let through at once; nothing was sent. Please try again"
    " later.",
    "같은 네트워크에서 재설정 요청이 많아 보내지 않았습니다. 잠시 후 다시 시도해 주세요.",
)
AGAIN = ProblemType(
    "sign-in-again",
    401,
    "Show your password once more",
    "비밀번호를 다시 확인해 주세요",
    "This needs your password as `password`, or a sign-in that is five minutes old at most.",
    "`password`로 비밀번호를 함께 보내거나, 다시 로그인한 뒤 5분 안에 요청해 주세요.",
    challenge='Bearer error="insufficient_user_authentication",'
    f' error_description="the password, or a recent sign-in, is needed", max_age="{domain.RECENT_S}"',
)
OVER = ProblemType(
    "session-over",
    401,
    "Sign in again",
    "다시 로그인해 주세요",
    "The session has ended, or this refresh token was used before.",
    "세션이 끝났거나 이미 사용한 갱신 토큰입니다.",
)
RESET = ProblemType(
    "reset-refused",
    401,
    "The reset token is of no use",
    "재설정 토큰을 쓸 수 없음",
    "The token was used before, is too old, or never was one.",
    "이미 사용했거나 만료되었거나 잘못된 토큰입니다.",
)
WEAK = ProblemType(
    "weak-password",
    409,
    "The password is too easy to guess",
    "추측하기 쉬운 비밀번호",
    "Take another password: {why}.",
    "10~128자의 추측하기 어려운 비밀번호를 사용해 주세요.",
)
LAST = ProblemType(
    "last-admin",
    409,
    "Somebody must stay admin",
    "마지막 관리자",
    "Account {userid} is the last admin. Make another one first.",
    "{userid}번 계정은 마지막 관리자입니다. 먼저 다른 관리자를 지정하세요.",
)
IN_USE = ProblemType(
    "account-in-use",
    409,
    "The account is in use",
    "사용 중인 계정",
    "Account {userid} has {open_rides} open rides and a balance of {balance_krw} won. Return the bike, have the money"
    " paid out or pay the debt, then ask again.",
    "{userid}번 계정에 진행 중인 대여 {open_rides}건, 잔액 {balance_krw}원이 있어요."
    " 자전거를 반납하고 잔액을 환불받거나 미납금을 낸 뒤에 다시 요청해 주세요.",
)
CONTACT = ProblemType(
    "contact-refused",
    409,
    "No phone number or e-mail address",
    "전화번호나 이메일이 아님",
    "Give a phone number or an e-mail address: {why}.",
    "전화번호나 이메일 주소를 다시 확인해 주세요.",
)
UNPROVED = ProblemType(
    "contact-unproved",
    409,
    "Prove the contact first",
    "연락처 확인 필요",
    "Prove your contact with the code that was sent to it, then take an authenticator.",
    "연락처로 받은 코드를 먼저 확인한 뒤에 인증 앱을 등록해 주세요.",
)
PROOF = ProblemType(
    "proof-refused",
    409,
    "The code proves nothing",
    "연락처 확인 코드가 맞지 않음",
    "The code is wrong, older than 15 minutes, or was tried too often. Ask for another one.",
    "코드가 틀렸거나 15분이 지났거나 여러 번 잘못 입력됐어요. 새 코드를 받아 주세요.",
)
NOTHING_TO_PROVE = ProblemType(
    "nothing-to-prove",
    409,
    "There is nothing to prove",
    "확인할 연락처가 없음",
    "The contact is proved, or the account has none: somebody else proved it. Give another one.",
    "이미 확인했거나 다른 사람이 먼저 확인한 연락처예요. 다른 연락처를 등록해 주세요.",
)
ENROLLED = ProblemType(
    "enrolled-already",
    409,
    "There is an authenticator already",
    "이미 등록된 인증 앱",
    "The account has an authenticator. An admin can take it away.",
    "이미 인증 앱이 등록되어 있습니다. 관리자가 해제할 수 있습니다.",
)
NOT_ENROLLING = ProblemType(
    "not-enrolling",
    409,
    "There is nothing to confirm",
    "확인할 등록이 없음",
    "Ask for an authenticator's secret first.",
    "먼저 인증 앱 등록을 시작해 주세요.",
)
BUSY = ProblemType(
    "sign-in-busy",
    503,
    "Too many sign-ins at once",
    "로그인이 몰리고 있음",
    "Too many people are signing in right now; nothing was done. Please try again shortly.",
    "지금 로그인이 몰려 아무것도 처리되지 않았습니다. 잠시 후 다시 시도해 주세요.",
    retry_after_s=1,
)
OF_PASSWORD = (AGAIN, REFUSED, WAIT, BUSY)
"""Where one's own password, or a recent sign-in, is asked for."""
REFUSALS: Refusals = {
    domain.NoSuchAccount: UNKNOWN,
    domain.SignInRefused: REFUSED,
    domain.CodeNeeded: CODE,
    domain.TooManyTries: WAIT,
    domain.TooManyAtOnce: BUSY,
    domain.TooManySignUps: SIGN_UPS,
    domain.TooManyResets: RESETS,
    domain.SignInAgain: AGAIN,
    domain.SessionOver: OVER,
    domain.ResetRefused: RESET,
    domain.WeakPassword: WEAK,
    domain.LastAdmin: LAST,
    domain.AccountInUse: IN_USE,
    domain.ContactUnproved: UNPROVED,
    domain.ProofRefused: PROOF,
    domain.NothingToProve: NOTHING_TO_PROVE,
    contacts.BadContact: CONTACT,
    domain.EnrolledAlready: ENROLLED,
    domain.NotEnrolling: NOT_ENROLLING,
    passwords.HashingBusy: BUSY,
}
