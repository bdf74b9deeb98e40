"""What stands before every operation: the open door of the demo, or the one that asks who is there."""

from typing import TYPE_CHECKING, Protocol

from gbike.kit.access.principal import DEMO, EVERYBODYS, Principal
from gbike.kit.access.rules import Rule

if TYPE_CHECKING:
    from gbike.kit.http.ask import Ask

READS, WRITES, RENTS, REPORTS, ANONYMOUS_ASKS, FREE = "reads", "writes", "rents", "reports", "anonymous", "free"
"""How often one may ask: each pace has a setting. FREE has no limit: probes must be answered in a flood too."""
RETURNS, SIGN_INS, SESSIONS, RENEWALS = "returns", "sign_ins", "sessions", "renewals"
"""What must go on while something else is refused has a pace of its own: a return, whatever its rider read or rented
(counted by token, so that a stolen one stops nobody's return); signing in and up (by address); staying in and signing
out (SESSIONS: by the token that is shown; without a good one by what is sent, and RENEWALS: by address)."""


class KeysUnavailable(Exception):
    """The keys that tokens are checked with can't be had right now; nobody knows who asks."""


class Guard(Protocol):
    """Decides who comes in."""

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` is believed when it says for whom and under which name it asks."""

    async def admit(self, ask: "Ask", rule: Rule, pace: str) -> None:
        """Put principal and reach on the request. Raises Problem (401, 403, 429) or KeysUnavailable."""

    def still_admits(self, principal: Principal) -> bool:
        """Whether who came in may hear on, in an answer that goes on."""


class OpenDoor:
    """The demo's: everybody may do everything, and is the principal `demo`."""

    def trusts(self, address: str) -> bool:
        """See Guard.trusts: the demo is on loopback only."""
        return True

    async def admit(self, ask: "Ask", rule: Rule, pace: str) -> None:
        """See Guard.admit."""
        ask.principal, ask.whose = DEMO, EVERYBODYS

    def still_admits(self, principal: Principal) -> bool:
        """See Guard.still_admits."""
        return True


OPEN_DOOR = OpenDoor()
