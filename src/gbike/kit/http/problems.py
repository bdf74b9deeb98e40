"""Every refusal over HTTP is a problem (RFC 9457): a stable type, words in Korean or English, and its facts."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gbike.kit.telemetry import trace_now

MEDIA_TYPE = "application/problem+json"
PAGE = "/docs/status-codes"


class ProblemType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to be refused, defined in a catalogue. `detail_*` are filled in with the facts of the refusal."""

    slug: str
    status: int
    title_en: str
    title_ko: str
    detail_en: str
    detail_ko: str
    advice: str
    """What a client should do, for the documents."""
    retry_after_s: int | None = None
    challenge: str = "Bearer"
    """What WWW-Authenticate says where the status is 401."""


class Problem(Exception):
    """Raise it to answer with a problem."""

    def __init__(
        self,
        type: ProblemType,
        facts: Mapping[str, Any] | None = None,
        *,
        korean: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`korean`: facts that read otherwise in Korean."""
        super().__init__(type.slug)
        self.type, self.facts = type, dict(facts or {})
        self.korean = {**self.facts, **(korean or {})}
        self.retry_after_s = retry_after_s if retry_after_s is not None else type.retry_after_s
        self.headers = dict(headers or {})

    def body(self, language: str, instance: str) -> dict[str, Any]:
        """The problem document in `language` (ko or en)."""
        title, detail, facts = (
            (self.type.title_ko, self.type.detail_ko, self.korean)
            if language == "ko"
            else (self.type.title_en, self.type.detail_en, self.facts)
        )
        return {
            "type": f"{PAGE}#{self.type.slug}",
            "title": title,
            "status": self.type.status,
            "detail": detail.format_map(facts),
            "instance": instance,
            "correlation_id": trace_now.get().request_id,
            **{name: value for name, value in facts.items() if name not in ("type", "title", "status", "detail")},
        }


class Catalogue(dict[str, ProblemType]):
    """Problem types by slug; `slug.reason`: the same one in other words."""

    def of(self, *slugs: str) -> tuple[ProblemType, ...]:
        return tuple(self[slug] for slug in slugs)


def _defined(files: Iterable[Path], taken: Collection[str] = ()) -> Catalogue:
    found = Catalogue()
    for file in files:
        for slug, entry in tomllib.loads(file.read_text("utf-8")).items():  # refuses the same table twice in a file
            if slug in found or slug in taken:
                raise ValueError(f"{file}: the problem {slug} is defined already")
            reasons = {name: entry.pop(name) for name in list(entry) if isinstance(entry[name], dict)}
            found[slug] = msgspec.convert({"slug": slug, **entry}, ProblemType)
            for reason, words in reasons.items():
                found[f"{slug}.{reason}"] = msgspec.convert({"slug": slug, **entry, **words}, ProblemType)
    return found


@cache
def catalogue(folder: Path) -> Catalogue:
    """The problem types that the `*.toml` of a folder define. Raises ValueError where a slug is defined twice, in a
    file, in two, or by the floor too."""
    return _defined(sorted(folder.glob("*.toml")), FLOOR)


FLOOR = _defined([Path(__file__).with_name("problems.toml")])
NOT_FOUND = FLOOR["not-found"]
UNAUTHENTICATED = FLOOR["unauthenticated"]
FORBIDDEN = FLOOR["forbidden"]
TOO_MANY = FLOOR["too-many-requests"]
KEYS_AWAY = FLOOR["keys-unavailable"]
GONE = FLOOR["gone"]
METHOD_NOT_ALLOWED = FLOOR["method-not-allowed"]
NOT_ACCEPTABLE = FLOOR["not-acceptable"]
MALFORMED = FLOOR["malformed-body"]
INVALID = FLOOR["invalid-request"]
TOO_LARGE = FLOOR["body-too-large"]
TOO_SLOW = FLOOR["request-too-slow"]
BAD_REQUEST = FLOOR["bad-request"]
HEADERS_TOO_LARGE = FLOOR["headers-too-large"]
SENT_TWICE = FLOOR["header-sent-twice"]
UNSUPPORTED_TYPE = FLOOR["unsupported-media-type"]
KEY_REUSED = FLOOR["idempotency-key-reused"]
KEY_IN_FLIGHT = FLOOR["idempotency-key-in-flight"]
UNAVAILABLE = FLOOR["store-unavailable"]
STOPPED = FLOOR["service-stopped"]
INTERNAL = FLOOR["internal-error"]
EVERYWHERE = tuple(one for slug, one in FLOOR.items() if slug != "stream-only")
"""What any operation may be refused with; only a stream asks for a stream."""


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
