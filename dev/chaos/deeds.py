"""What clients did and what they were told, in the manner of Jepsen: ok, refused, or unknown (no answer came)."""

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import aiohttp

STILL_UNKNOWN = ("idempotency-key-in-flight", "report-in-flight", "answer-lost")
"""The first try is still under way, or its answer was lost: this decides nothing."""
PATIENCE = aiohttp.ClientTimeout(total=30)
"""The gateway has an answer within 5 s; the rest is for a machine that is busy with restarts."""


class Outcome(Enum):
    """What a client knows of its deed."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class NoAnswer(Exception):
    """The connection broke; the deed may have happened or not."""


class Told(NamedTuple):
    """One answer: when it was asked for and how long it took, s, and what it said."""

    at_s: float
    took_s: float
    http: int
    reason: str
    retry_after: str | None


@dataclass(eq=False)
class Deed:
    """One command. `facts` are how its effect is recognised; `repeatable` ones are sent again until it is known."""

    kind: str
    method: str
    path: str
    body: dict[str, Any]
    key: str | None = None
    repeatable: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome = Outcome.UNKNOWN
    answer: dict[str, Any] = field(default_factory=dict)
    tries: int = 0
    told: list[Told] = field(default_factory=list)

    async def do(self, session: aiohttp.ClientSession) -> None:
        """Send it, and note how it went. Raises NoAnswer."""
        self.tries += 1
        headers = {"Idempotency-Key": self.key} if self.key else {}
        began = time.monotonic()
        try:
            async with session.request(
                self.method, self.path, json=self.body, headers=headers, timeout=PATIENCE
            ) as answer:
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError) as why:
            raise NoAnswer(f"{self.method} {self.path} after {time.monotonic() - began:.1f} s: {why!r}") from None
        self.judge(answer.status, body)
        took, retry = time.monotonic() - began, answer.headers.get("Retry-After")
        self.told.append(Told(began, took, answer.status, self.answer["reason"], retry))

    def judge(self, status: int, body: dict[str, Any]) -> None:
        """Note an answer. 503 to a repeated deed says nothing about the first try."""
        reason = str(body.get("type", "")).partition("#")[2]
        self.answer = {"http": status, "reason": reason, **body}
        if status in (200, 201):
            self.outcome = Outcome.OK
        elif reason not in STILL_UNKNOWN and not (status == 503 and self.tries > 1):
            self.outcome = Outcome.REFUSED

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.method} {self.path} {self.body} key={self.key} tries={self.tries} {self.outcome.value}"
        )
