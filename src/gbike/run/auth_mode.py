"""Which door a form has: the open one of the demo, or one that asks for tokens, made from the settings.

`guard` is what stands before a service, `caller` what a service asks its peers with.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gbike.kit.calls.peers import Caller
from gbike.kit.clock import Clock, Ids
from gbike.kit.http.app import NO_AUTH, Guard
from gbike.kit.service import ServiceSpec
from gbike.kit.settings import BadSetting, load

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gbike.kit.auth.tokens import KeySource, PublicKey, Trusted

JWKS = "/.well-known/jwks.json"

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def not_for_production(env: Mapping[str, str]) -> None:
    """Raises BadSetting where an open gbike must not run."""
    if env.get("GBIKE_ENV") == "production":
        raise BadSetting("GBIKE_ENV=production, and a demo is open to everybody who reaches it: use `gbike up`")


def on_loopback_only(host: str, opened_by: str, *, in_a_pod: bool) -> None:
    """Raises BadSetting where an open gbike must not listen."""
    if host not in LOOPBACK and not in_a_pod:
        raise BadSetting(f"with {opened_by} everybody may do everything: loopback only, or in a pod, not {host}")


class AuthMode:
    """What stands between services and everybody else: nothing in the demo, where everybody may do everything."""

    open = True
    """Whether everybody may do everything."""

    def guard(self, *_services: str) -> Guard:
        """What stands before one service, or before what belongs to all of them."""
        return NO_AUTH

    def caller(self, _service: str, _peer: str, way: Caller) -> Caller:
        """The same way to a peer, in the name of a service. Raises BadSetting."""
        return way

    async def close(self) -> None:
        """Let go of what was opened."""


class TokenMode(AuthMode):
    """Tokens are required. The libraries that check them are imported here, so the demo does without."""

    open = False

    def __init__(
        self, env: Mapping[str, str], clock: Clock, ids: Ids, account: Caller, specs: Sequence[ServiceSpec] = ()
    ) -> None:
        """`account`: the way to who publishes our own keys. `cards`: the services of this one process, whose keys are
        made here and now; without them keys are in the files that the settings name. Raises BadSetting."""
        from gbike.kit.auth.addresses import Proxies
        from gbike.kit.auth.limits import Limits
        from gbike.kit.auth.published import PublishedKeys
        from gbike.kit.auth.revoked import Revocations
        from gbike.kit.auth.services import read_private
        from gbike.kit.auth.settings import AccessSettings
        from gbike.kit.auth.tokens import Trusted

        self._clock, self._ids = clock, ids
        self._chosen = load(AccessSettings, env)
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._issuers = {self._chosen.issuer: Trusted(PublishedKeys(account, JWKS, clock)), **self._outside()}
        self.revoked = Revocations(clock, max(issuer.longest_s for issuer in self._issuers.values()))
        """Whose tokens are refused before their end; a Hearing fills it."""
        self._limits = Limits(self._chosen.paces, clock)
        self._proxies = Proxies(self._chosen.trusted_proxies)
        self._key = read_private(self._chosen.service_key_file) if self._chosen.service_key_file else None
        self._scraper = _token(self._chosen.scraper_token_file)
        self._made = self._make(specs)
        self._may_call = {one.name: {other.name for other in specs if one.name in other.calls} for one in specs}

    def trust(self, issuer: str, keys: "KeySource") -> None:
        """Take tokens of one more issuer, as if the settings named it."""
        from gbike.kit.auth.tokens import Trusted

        self._issuers[issuer] = Trusted(keys)

    def guard(self, *services: str) -> Guard:
        from gbike.kit.auth.services import ServiceKeys
        from gbike.kit.auth.tokens import Verifier
        from gbike.kit.http.auth import TokenAuth

        keys = ServiceKeys(self._callers_of(services))
        verifier = Verifier(frozenset(services), self._issuers, keys, self._clock, revoked=self.revoked)
        return TokenAuth(verifier, self._limits, self._proxies, self._scraper)

    def caller(self, service: str, peer: str, way: Caller) -> Caller:
        """The way, with what proves the service. Raises BadSetting."""
        from gbike.kit.auth.services import SignedCaller

        key = self._made.get(service, self._key)
        if key is None:
            raise BadSetting(f"GBIKE_SERVICE_KEY_FILE is not set: {service} needs a key of its own to ask {peer}")
        return SignedCaller(way, service, peer, key, clock=self._clock, ids=self._ids)

    async def close(self) -> None:
        for close in self._closing:
            await close()

    def _callers_of(self, services: Sequence[str]) -> Mapping[str, "PublicKey"]:
        from gbike.kit.auth.services import read_public

        if not self._made:
            return read_public(self._chosen.service_keys) if self._chosen.service_keys else {}
        callers = {caller for service in services for caller in self._may_call.get(service, ())}
        return {name: self._made[name].public_key() for name in callers}

    def _outside(self) -> dict[str, "Trusted"]:
        from gbike.kit.auth.published import PublishedKeys
        from gbike.kit.auth.tokens import EC, ED, OUTSIDE_S, Trusted

        found = {}
        for one in self._chosen.outside_issuers.split():
            issuer, _, url = one.rpartition("=")
            parts = urlsplit(url)
            here = parts.scheme == "http" and parts.hostname in LOOPBACK
            if not issuer or not parts.hostname or not (parts.scheme == "https" or here):
                raise BadSetting(f"GBIKE_OUTSIDE_ISSUERS: {one!r} is not ISSUER=https://host/path of its JWKS")
            if issuer == self._chosen.issuer:
                raise BadSetting(f"GBIKE_OUTSIDE_ISSUERS: {issuer!r} is our own issuer's name")
            keys = PublishedKeys(self._way_out(f"{parts.scheme}://{parts.netloc}"), parts.path, self._clock)
            found[issuer] = Trusted(keys, frozenset({ED, EC}), OUTSIDE_S)
        return found

    def _way_out(self, base: str) -> Caller:
        from gbike.kit.calls.remote import HttpCaller  # most have no outside issuer

        caller = HttpCaller(base)
        self._closing.append(caller.close)
        return caller

    def _make(self, specs: Sequence[ServiceSpec]) -> dict[str, "Ed25519PrivateKey"]:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return {spec.name: Ed25519PrivateKey.generate() for spec in specs}


def _token(file: str) -> str:
    """What is in the file. Raises BadSetting."""
    if not file:
        return ""
    try:
        token = Path(file).read_text("utf-8-sig").strip()
    except (OSError, ValueError) as wrong:
        raise BadSetting(f"GBIKE_SCRAPER_TOKEN_FILE={file!r}: {wrong}") from None
    if len(token) < 32:
        raise BadSetting(f"GBIKE_SCRAPER_TOKEN_FILE={file!r}: 32 characters at least")
    return token
