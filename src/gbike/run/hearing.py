"""What the doors of a process hear: the events of account after which access tokens are refused before their end.

Nothing is written down. A process that starts reads what was said since the oldest token that may still be shown, and
goes on from there. While it can't be read (the bus is away) everything is served, and what was not heard counts later:
a token lasts 15 minutes at most.
"""

from collections.abc import Mapping

import msgspec

from gbike.contracts.account import AccountErased, ChangedRoles, EndedSessions
from gbike.kit.auth.revoked import NEVER, Revocations
from gbike.kit.clock import from_rfc3339
from gbike.kit.envelope import Message, Undecodable, unpack
from gbike.kit.messaging.bus import Tail
from gbike.kit.service import IDLE_WAIT_MS, Worker
from gbike.kit.telemetry import log

SPEAKER = "account"
KINDS: Mapping[str, type[AccountErased | ChangedRoles | EndedSessions]] = {
    kind.__name__: kind for kind in (AccountErased, ChangedRoles, EndedSessions)
}
MOST = 500
"""Messages taken at once."""


class Hearing:
    """Takes from a tail what refuses tokens."""

    def __init__(self, tail: Tail, revoked: Revocations) -> None:
        self._tail, self._revoked = tail, revoked

    @property
    def worker(self) -> Worker:
        return Worker("doors", self.step, lambda: self._tail.changed(IDLE_WAIT_MS), drains=False)

    async def step(self) -> int:
        """Hear what is new; answers how much. Raises BusUnavailable, StoreUnavailable."""
        messages = await self._tail.take(MOST)
        for message in messages:
            self._hear(message)
        return len(messages)

    async def catch_up(self) -> None:
        """Hear all that was said so far. Raises as `step`."""
        while await self.step():
            pass

    def _hear(self, message: Message) -> None:
        kind = KINDS.get(message.type)
        if kind is None:
            return
        try:
            published, headers = unpack(message, kind), msgspec.json.decode(message.headers, type=_Headers)
            at_ms = from_rfc3339(headers.ce_time)
        except (Undecodable, msgspec.DecodeError, ValueError) as wrong:
            log.warning("an event that refuses tokens can't be read", message=message.id, why=str(wrong))
            return
        if headers.ce_source != f"/gbike/{SPEAKER}":  # nobody else decides who is signed in
            log.warning("an event that refuses tokens is not account's", message=message.id, source=headers.ce_source)
            return
        self._revoked.refuse(
            published.userid, NEVER if isinstance(published, AccountErased) else published.tokenversion, at_ms
        )


class _Headers(msgspec.Struct, frozen=True):
    ce_source: str
    ce_time: str
