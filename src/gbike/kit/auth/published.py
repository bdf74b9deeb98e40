"""The keys that an issuer publishes (JWKS), fetched when they are needed and kept while the issuer is away."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import jwt
import msgspec

from gbike.kit.auth.principal import KeysUnavailable
from gbike.kit.auth.tokens import PublicKey
from gbike.kit.calls.peers import Caller, PeerUnreachable
from gbike.kit.clock import Clock
from gbike.kit.telemetry import NO_TRACE, log

FRESH_MS = 300_000
"""After so long the keys are fetched again when one is asked for: what the issuer took back is gone then."""
PAUSE_MS = 10_000
"""Between two fetches at least, so that tokens with made-up key names make no flood."""
FIRST_PAUSE_MS = 500
"""The same while there are no keys at all: nobody could come in."""
FETCH_S = 2.0
"""How long a fetch may take."""
MOST_KEYS = 16


class PublishedKeys:
    """KeySource over an issuer's JWKS."""

    def __init__(self, issuer: Caller, path: str, clock: Clock) -> None:
        self._issuer, self._path = issuer, path
        self._clock = clock
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched_ms: float | None = None
        self._tried_ms: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> PublicKey | None:
        """See KeySource.key. While the issuer is away the keys that are known go on counting."""
        known = self._keys.get(kid)
        if known is not None and not self._stale():
            return known
        if self._may_fetch():
            await self._fetch()
        if self._fetched_ms is None:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _stale(self) -> bool:
        return self._fetched_ms is None or self._clock.monotonic_ms() - self._fetched_ms > FRESH_MS

    def _may_fetch(self) -> bool:
        if self._fetching is not None or self._tried_ms is None:
            return True
        pause_ms = FIRST_PAUSE_MS if self._fetched_ms is None else PAUSE_MS
        return self._clock.monotonic_ms() - self._tried_ms >= pause_ms

    async def _fetch(self) -> None:
        """Fetch once for all who wait; who gives up waiting does not stop it."""
        if self._fetching is None:
            self._tried_ms = self._clock.monotonic_ms()
            self._fetching = asyncio.create_task(self._ask())
            self._fetching.add_done_callback(self._forget)
        with suppress(TimeoutError):
            async with asyncio.timeout(FETCH_S):
                await asyncio.shield(self._fetching)

    def _forget(self, _done: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _ask(self) -> None:
        headers = {"accept": "application/json", "traceparent": NO_TRACE.traceparent, "x-request-id": "jwks"}
        try:
            answer = await self._issuer.call("GET", self._path, b"", headers)
            if answer.status != 200:
                raise PeerUnreachable(f"it answered {answer.status}")
            self._keys = _keys(msgspec.json.decode(answer.body, type=_Set))
            self._fetched_ms = self._clock.monotonic_ms()
        except (PeerUnreachable, msgspec.DecodeError, UnicodeError) as why:
            log.warning("the keys of an issuer can't be had", path=self._path, why=str(why))


class _Set(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


def _keys(published: _Set) -> dict[str, PublicKey]:
    found: dict[str, PublicKey] = {}
    for one in published.keys[:MOST_KEYS]:
        with suppress(jwt.PyJWTError, ValueError, TypeError, KeyError):
            kid, key = one["kid"], jwt.PyJWK(one).key
            if isinstance(kid, str) and isinstance(key, PublicKey) and one.get("use", "sig") == "sig":
                found[kid] = key
    return found
