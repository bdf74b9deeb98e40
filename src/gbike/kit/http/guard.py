"""The guard before every operation: no authentication in the demo, token authentication otherwise."""

from typing import Protocol

from gbike.kit.auth.limits import Pace
from gbike.kit.auth.principal import DEMO, OwnerScope, Principal
from gbike.kit.auth.rules import Rule
from gbike.kit.http.request import Request


class Guard(Protocol):
    """Decides who comes in."""

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` is believed when it says for whom and under which name it asks."""

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        """Put principal and reach on the request. Raises Problem (401, 403, 429) or KeysUnavailable."""

    def still_admits(self, principal: Principal) -> bool:
        """Whether who came in may hear on, in an answer that goes on."""


class NoAuth:
    """The demo's: everybody may do everything, and is the principal `demo`."""

    def trusts(self, address: str) -> bool:
        """See Guard.trusts: the demo is on loopback only."""
        return True

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        """See Guard.admit."""
        request.principal, request.owner = DEMO, OwnerScope.ALL

    def still_admits(self, principal: Principal) -> bool:
        """See Guard.still_admits."""
        return True


NO_AUTH = NoAuth()
SAYS_DEMO = (b"x-gbike-mode", b"demo")
"""A header of every answer where the door is open: nobody should take an open system for a secure one."""
