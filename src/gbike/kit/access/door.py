"""The door of the secure forms: who asks must show a token, may ask so often, and does what their rule grants."""

import hashlib
import hmac
from typing import TYPE_CHECKING

from gbike.kit.access.addresses import Proxies, household
from gbike.kit.access.guard import ANONYMOUS_ASKS, FREE, Guard
from gbike.kit.access.limits import Limits
from gbike.kit.access.principal import Principal
from gbike.kit.access.rules import SCRAPER, Rule, allow
from gbike.kit.access.tokens import BadToken, Verifier
from gbike.kit.http.problems import FORBIDDEN, TOO_MANY, UNAUTHENTICATED, Problem

if TYPE_CHECKING:
    from gbike.kit.http.ask import Ask

CHALLENGE = 'Bearer realm="gbike"'
WATCHER = Principal(f"service:{SCRAPER}", service=SCRAPER)


class LockedDoor:
    """Guard of a service that is not open to everybody."""

    def __init__(self, verifier: Verifier, limits: Limits, proxies: Proxies, scraper_token: str = "") -> None:
        """`scraper_token`: what a collector of metrics shows, which can't make tokens of its own; empty: none may."""
        self._verifier, self._limits, self._proxies = verifier, limits, proxies
        self._scraper = _digest(scraper_token) if scraper_token else None

    def trusts(self, address: str) -> bool:
        """See Guard.trusts."""
        return self._proxies.trusts(address)

    async def admit(self, ask: "Ask", rule: Rule, pace: str) -> None:
        """See Guard.admit. A public operation looks at no token: who signs in may still carry an old one."""
        token = None if rule.public else _bearer(ask)
        if token is None:
            if pace != FREE:
                _slow_down(self._limits.take(ANONYMOUS_ASKS, household(ask.origin)))
            if not rule.public:
                raise _unauthenticated("none was sent")
            return
        principal = await self._who(ask, token)
        if principal.service is None:
            _slow_down(self._limits.take(pace, principal.name))
        whose = allow(principal, rule)
        ask.principal = principal
        if whose is None:
            raise Problem(FORBIDDEN)
        ask.whose = whose

    def still_admits(self, principal: Principal) -> bool:
        """See Guard.still_admits."""
        return not self._verifier.refuses(principal)

    async def _who(self, ask: "Ask", token: str) -> Principal:
        """Checking costs us more than asking costs a stranger, so who sends bad tokens has the strangers' pace."""
        known = self._verifier.known(token)
        if known is not None:
            return known
        if self._scraper is not None and hmac.compare_digest(_digest(token), self._scraper):
            return WATCHER
        asker = household(ask.origin)
        _slow_down(self._limits.wait(ANONYMOUS_ASKS, asker))
        try:
            return await self._verifier.check(token)
        except BadToken as bad:
            self._limits.take(ANONYMOUS_ASKS, asker)
            raise _unauthenticated(str(bad), 'error="invalid_token"') from None


class CertifiedDoor:
    """Guard of what services ask each other over mutual TLS: their certificate must name them as their token does."""

    def __init__(self, door: Guard) -> None:
        """`door`: where the token is looked at."""
        self._door = door

    def trusts(self, address: str) -> bool:
        """See Guard.trusts."""
        return self._door.trusts(address)

    async def admit(self, ask: "Ask", rule: Rule, pace: str) -> None:
        """See Guard.admit. The rule granted it to the service of the token, so that is whose certificate it must be."""
        await self._door.admit(ask, rule, pace)
        if not rule.public and ask.principal.service not in ask.certified:
            raise Problem(FORBIDDEN)

    def still_admits(self, principal: Principal) -> bool:
        """See Guard.still_admits."""
        return self._door.still_admits(principal)


def _bearer(ask: "Ask") -> str | None:
    given: str | None = ask.headers.get("authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthenticated("it must be sent as Bearer")
    return token.strip()


def _unauthenticated(why: str, *more: str) -> Problem:
    return Problem(UNAUTHENTICATED, {"why": why}, headers={"WWW-Authenticate": ", ".join([CHALLENGE, *more])})


def _slow_down(wait_s: int) -> None:
    if wait_s:
        raise Problem(TOO_MANY, retry_after_s=wait_s)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
