"""Authentication of the secure forms: checks the token, the rate limit and the operation's rule."""

import hashlib
import hmac
from contextlib import suppress

from gbike.kit.auth.addresses import Proxies, client_prefix
from gbike.kit.auth.limits import ANONYMOUS_ASKS, FREE, RENEWALS, SESSIONS, SIGN_INS, VISITS, Limits, Pace
from gbike.kit.auth.principal import KeysUnavailable, Principal
from gbike.kit.auth.rules import SCRAPER, Rule, allow
from gbike.kit.auth.tokens import BadToken, Verifier
from gbike.kit.http.app import Guard
from gbike.kit.http.problems import FORBIDDEN, TOO_MANY, UNAUTHENTICATED, Problem
from gbike.kit.http.request import Request

CHALLENGE = 'Bearer realm="gbike"'
WATCHER = Principal(f"service:{SCRAPER}", service=SCRAPER)


class TokenAuth:
    """Guard of a service that is not open to everybody."""

    def __init__(self, verifier: Verifier, limits: Limits, proxies: Proxies, scraper_token: str = "") -> None:
        """`scraper_token`: what a collector of metrics shows, which can't make tokens of its own; empty: none may."""
        self._verifier = verifier
        self._limits, self._proxies = limits, proxies
        self._scraper = _digest(scraper_token) if scraper_token else None

    def trusts(self, address: str) -> bool:
        return self._proxies.trusts(address)

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        """See Guard.admit. On a public operation a token only says whose pace it is: who signs in may still carry an
        old one, and is nobody yet."""
        try:
            token = _bearer(request, strictly=not rule.public)
        except Problem:
            self._slow_down_strangers(request, pace)
            raise
        if rule.public:
            await self._let_anybody(request, token, pace)
            return
        if token is None and rule.visitors:
            _slow_down(self._limits.take(VISITS, client_prefix(request.origin)))
            return
        if token is None:
            self._slow_down_strangers(request, pace)
            raise _unauthenticated("none was sent")
        principal = await self._who(request, token)
        if principal.service is None:
            _slow_down(self._limits.take(pace, _digest(token).hex() if pace.by_token else principal.name))
        owner = allow(principal, rule)
        request.principal = principal
        if owner is None:
            raise Problem(FORBIDDEN)
        request.owner = owner

    def still_admits(self, principal: Principal) -> bool:
        return not self._verifier.refuses(principal)

    async def _let_anybody(self, request: Request, token: str | None, pace: Pace) -> None:
        if token is not None and pace not in (SIGN_INS, FREE):
            with suppress(BadToken, KeysUnavailable):
                principal = self._known(token) or await self._verifier.check(token)
                if principal.service is None:
                    who = f"{request.path} {_digest(token).hex()}" if pace == SESSIONS else principal.name
                    _slow_down(self._limits.take(pace, who))
                return
        if pace == SESSIONS:
            await self._let_stay(request)
            return
        self._slow_down_strangers(request, pace)

    async def _let_stay(self, request: Request) -> None:
        """Who shows no good token may still be somebody whose token has just ended. The body holds the session's, and
        only a reading would tell whether it is good: so each has a pace of its own, and what strangers may try is what
        a campus of 40,000 needs. Who may try no more is not remembered either."""
        home = client_prefix(request.origin)
        _slow_down(self._limits.wait(RENEWALS, home))
        _slow_down(self._limits.take(SESSIONS, f"{request.path} {hashlib.sha256(await request.raw()).hexdigest()}"))
        _slow_down(self._limits.take(RENEWALS, home))

    async def _who(self, request: Request, token: str) -> Principal:
        """Whose token it is. Only one that is not good counts for its address, and none is refused unseen.

        Whose neighbour floods would be refused as soon as his token has to be checked anew, did we look at the address
        first. What a flood costs stays bounded all the same: what is no token for us, is not for now or of no
        key of ours is refused before its signature is looked at, and a signature (0.1 to 0.2 ms) costs about what
        reading and refusing a request does, so that bad tokens come at twice the price of none.
        """
        try:
            return self._known(token) or await self._verifier.check(token)
        except BadToken as bad:
            self._slow_down_strangers(request, ANONYMOUS_ASKS)
            raise _unauthenticated(str(bad), 'error="invalid_token"') from None

    def _known(self, token: str) -> Principal | None:
        if self._scraper is not None and hmac.compare_digest(_digest(token), self._scraper):
            return WATCHER
        return self._verifier.known(token)

    def _slow_down_strangers(self, request: Request, pace: Pace) -> None:
        """Who shows no good token has the pace of the address; those of signing in and of looking about are not used
        up by other floods."""
        if pace != FREE:
            own = pace in (SIGN_INS, VISITS)
            _slow_down(self._limits.take(pace if own else ANONYMOUS_ASKS, client_prefix(request.origin)))


class MutualTlsAuth:
    """Guard of what services ask each other over mutual TLS: their certificate must name them as their token does."""

    def __init__(self, door: Guard) -> None:
        """`door`: where the token is looked at."""
        self._door = door

    def trusts(self, address: str) -> bool:
        return self._door.trusts(address)

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        """See Guard.admit. The rule granted it to the service of the token, so that is whose certificate it must be."""
        await self._door.admit(request, rule, pace)
        if not rule.public and request.principal.service not in request.certified:
            raise Problem(FORBIDDEN)

    def still_admits(self, principal: Principal) -> bool:
        return self._door.still_admits(principal)


def _bearer(request: Request, *, strictly: bool) -> str | None:
    """The token that was sent. `strictly`: what is none is refused."""
    given: str | None = request.headers.get("authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if strictly:
        raise _unauthenticated("it must be sent as Bearer")
    return None


def _unauthenticated(why: str, *more: str) -> Problem:
    return Problem(UNAUTHENTICATED, {"why": why}, headers={"WWW-Authenticate": ", ".join([CHALLENGE, *more])})


def _slow_down(wait_s: int) -> None:
    if wait_s:
        raise Problem(TOO_MANY, retry_after_s=wait_s)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
