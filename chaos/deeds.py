"""What clients did and what they were told, in the manner of Jepsen: ok, refused, or unknown (no answer came)."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import aiohttp

STILL_UNKNOWN = ("idempotency-key-in-flight", "report-in-flight")
"""The first try is still under way: this answer decides nothing."""
PATIENCE = aiohttp.ClientTimeout(total=10)


class Outcome(Enum):
    """What a client knows of its deed."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class NoAnswer(Exception):
    """The connection broke; the deed may have happened or not."""


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

    async def do(self, session: aiohttp.ClientSession) -> None:
        """Send it, and note how it went. Raises NoAnswer."""
        self.tries += 1
        headers = {"Idempotency-Key": self.key} if self.key else {}
        try:
            async with session.request(
                self.method, self.path, json=self.body, headers=headers, timeout=PATIENCE
            ) as answer:
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise NoAnswer from None
        self.judge(answer.status, body)

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
