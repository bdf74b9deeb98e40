"""Every refusal over HTTP is a problem (RFC 9457): a stable type, words in Korean or English, and its facts."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gbike.kit.telemetry import trace_now

MEDIA_TYPE = "application/problem+json"
PAGE = "/docs/status-codes"


class ProblemType(msgspec.Struct, frozen=True):
    """One way to be refused. `detail_*` are filled in with the facts of the refusal."""

    slug: str
    status: int
    title_en: str
    title_ko: str
    detail_en: str
    detail_ko: str
    retry_after_s: int | None = None


class Problem(Exception):
    """Raise it to answer with a problem."""

    def __init__(
        self,
        type: ProblemType,
        facts: Mapping[str, Any] | None = None,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(type.slug)
        self.type, self.facts = type, dict(facts or {})
        self.retry_after_s = retry_after_s if retry_after_s is not None else type.retry_after_s
        self.headers = dict(headers or {})

    def body(self, language: str, instance: str) -> dict[str, Any]:
        """The problem document in `language` (ko or en)."""
        title, detail = (
            (self.type.title_ko, self.type.detail_ko) if language == "ko" else (self.type.title_en, self.type.detail_en)
        )
        return {
            "type": f"{PAGE}#{self.type.slug}",
            "title": title,
            "status": self.type.status,
            "detail": detail.format_map(self.facts),
            "instance": instance,
            "correlation_id": trace_now.get().request_id,
            **{name: value for name, value in self.facts.items() if name not in ("type", "title", "status", "detail")},
        }


NOT_FOUND = ProblemType(
    "not-found", 404, "Not found", "찾을 수 없음", "There is nothing at {path}.", "{path}에는 아무것도 없습니다."
)
UNAUTHENTICATED = ProblemType(
    "unauthenticated",
    401,
    "Sign in first",
    "로그인 필요",
    "This needs a valid access token: {why}.",
    "유효한 액세스 토큰을 보내 주세요.",
)
FORBIDDEN = ProblemType(
    "forbidden",
    403,
    "Not yours to do",
    "권한 없음",
    "Your account may not do this.",
    "이 계정으로는 할 수 없는 일입니다.",
)
TOO_MANY = ProblemType(
    "too-many-requests",
    429,
    "Too many requests",
    "요청이 너무 많음",
    "More requests came than are let through; nothing was done. Please try again shortly.",
    "허용량보다 많은 요청이 들어와 아무것도 처리되지 않았습니다. 잠시 후 다시 시도해 주세요.",
    retry_after_s=1,
)
KEYS_AWAY = ProblemType(
    "keys-unavailable",
    503,
    "Try again shortly",
    "잠시 후 다시 시도",
    "Who you are can't be checked right now; nothing was done. Please try again shortly.",
    "지금은 로그인 정보를 확인할 수 없어 아무것도 처리되지 않았습니다. 잠시 후 다시 시도해 주세요.",
    retry_after_s=2,
)
GONE = ProblemType(
    "gone",
    410,
    "No longer offered",
    "더 이상 제공하지 않음",
    "Reading never changes anything here. Use {instead}.",
    "조회로 상태를 바꾸지 않습니다. 대신 {instead}을(를) 사용하세요.",
)
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed",
    405,
    "Method not allowed",
    "허용되지 않는 메서드",
    "{path} does not take {method}; it takes {allow}.",
    "{path}은(는) {method}을(를) 받지 않습니다. 가능한 메서드: {allow}.",
)
NOT_ACCEPTABLE = ProblemType(
    "not-acceptable",
    406,
    "Not acceptable",
    "제공할 수 없는 형식",
    "Answers here are application/hal+json or application/json.",
    "응답 형식은 application/hal+json 또는 application/json입니다.",
)
MALFORMED = ProblemType(
    "malformed-body",
    400,
    "The body is not JSON",
    "본문이 JSON이 아님",
    "The body could not be read as JSON: {why}",
    "본문을 JSON으로 읽을 수 없습니다: {why}",
)
INVALID = ProblemType(
    "invalid-request",
    422,
    "A value does not fit",
    "값이 올바르지 않음",
    "The request was understood but a value does not fit: {why}",
    "요청은 이해했지만 값이 올바르지 않습니다: {why}",
)
TOO_LARGE = ProblemType(
    "body-too-large",
    413,
    "The body is too large",
    "본문이 너무 큼",
    "A body may have {most_bytes} bytes at most.",
    "본문은 최대 {most_bytes}바이트입니다.",
)
TOO_SLOW = ProblemType(
    "request-too-slow",
    408,
    "The request took too long to arrive",
    "요청 도착이 너무 늦음",
    "The whole request did not arrive in time; nothing was done. Please send it again.",
    "요청이 제시간에 모두 도착하지 않아 아무것도 처리되지 않았습니다. 다시 보내 주세요.",
)
BAD_REQUEST = ProblemType(
    "bad-request",
    400,
    "The request could not be read",
    "요청을 읽을 수 없음",
    "This is not HTTP as this server reads it.",
    "서버가 읽을 수 있는 HTTP 요청이 아닙니다.",
)
HEADERS_TOO_LARGE = ProblemType(
    "headers-too-large",
    431,
    "The headers are too large or too many",
    "헤더가 너무 크거나 많음",
    "Send fewer or shorter headers.",
    "헤더를 줄여서 보내 주세요.",
)
SENT_TWICE = ProblemType(
    "header-sent-twice",
    400,
    "A header was sent more than once",
    "중복된 헤더",
    "The header {header} was sent more than once, and nobody can tell which is meant. Send it once.",
    "{header} 헤더가 여러 번 전송되어 어느 것이 맞는지 알 수 없습니다. 한 번만 보내 주세요.",
)
UNSUPPORTED_TYPE = ProblemType(
    "unsupported-media-type",
    415,
    "The body must be JSON",
    "본문은 JSON이어야 함",
    "Send the body as application/json, not as {given}.",
    "본문을 {given}이(가) 아니라 application/json으로 보내 주세요.",
)
KEY_REUSED = ProblemType(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key was used for another request",
    "Idempotency-Key가 다른 요청에 쓰임",
    "This Idempotency-Key belongs to a request with another body. Use a new key.",
    "이 Idempotency-Key는 본문이 다른 요청에 쓰였습니다. 새 키를 사용하세요.",
)
KEY_IN_FLIGHT = ProblemType(
    "idempotency-key-in-flight",
    409,
    "The first request with this key is still under way",
    "같은 키의 첫 요청이 아직 처리 중",
    "A request with this Idempotency-Key is still under way. Try again in a second.",
    "같은 Idempotency-Key의 요청이 처리 중입니다. 1초 후 다시 시도해 주세요.",
    retry_after_s=1,
)
UNAVAILABLE = ProblemType(
    "store-unavailable",
    503,
    "Try again shortly",
    "잠시 후 다시 시도",
    "This service can't keep data right now; nothing was changed. Please try again shortly.",
    "지금은 데이터를 저장할 수 없어 아무것도 바뀌지 않았습니다. 잠시 후 다시 시도해 주세요.",
    retry_after_s=2,
)
STOPPED = ProblemType(
    "service-stopped",
    503,
    "The service is stopped",
    "서비스가 중지됨",
    "The service {service} is not running right now. Please try again shortly.",
    "{service} 서비스가 지금 실행 중이 아닙니다. 잠시 후 다시 시도해 주세요.",
    retry_after_s=5,
)
INTERNAL = ProblemType(
    "internal-error",
    500,
    "Our mistake",
    "서버 오류",
    "Something went wrong on our side. Quote the correlation id when you report it.",
    "서버에서 오류가 발생했습니다. 문의할 때 correlation id를 알려 주세요.",
)
ACCOUNT_ERASED = ProblemType(
    "account-erased",
    403,
    "The account was erased",
    "삭제된 계정",
    "The account of rider {userid} was erased: it rents nothing and pays nothing in any more. Sign up anew.",
    "{userid}번 사용자의 계정은 삭제되어 더 이상 대여하거나 충전할 수 없어요. 새로 가입해 주세요.",
)
"""For the services that a person who was erased may still ask with a token that has not run out."""
EVERYWHERE = (
    UNAUTHENTICATED,
    FORBIDDEN,
    TOO_MANY,
    KEYS_AWAY,
    NOT_FOUND,
    GONE,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    MALFORMED,
    INVALID,
    TOO_LARGE,
    TOO_SLOW,
    BAD_REQUEST,
    SENT_TWICE,
    HEADERS_TOO_LARGE,
    UNSUPPORTED_TYPE,
    KEY_REUSED,
    KEY_IN_FLIGHT,
    UNAVAILABLE,
    STOPPED,
    INTERNAL,
)


def preferred_language(accept_language: str) -> str:
    """ko or en: the one an Accept-Language header ranks higher; English when it names neither."""
    best, chosen = 0.0, "en"
    for part in accept_language[:1000].split(","):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            continue
        if language in ("ko", "en") and q > best:
            best, chosen = q, language
    return chosen
