"""The doors: signing up, signing in, staying in, going, and coming back without a password."""

from gbike.kit.auth.addresses import client_prefix
from gbike.kit.auth.keyring import Keys
from gbike.kit.http.request import Request, Response
from gbike.services.account.commands.sessions import sign_out
from gbike.services.account.domain import Access
from gbike.services.account.domain.consents import must_hold
from gbike.services.account.http import bodies
from gbike.services.account.http.devices import device_of
from gbike.services.account.saga.own_account import ask_for_a_reset, reset_password
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.saga.signing_in import refresh, sign_in, sign_up
from gbike.services.account.storage.secrets import kept

KEYS_FRESH_S = 60
"""How long a copy of the key set may be used without asking."""


class SessionHttp:
    """The handlers."""

    def __init__(self, services: AccountServices, keys: Keys) -> None:
        self._services, self._keys = services, keys

    async def sign_up(self, request: Request) -> Response:
        new = await request.body(bodies.SignUp)
        must_hold(self._services.policy.terms, new.consents.terms, new.consents.location)
        who = (new.name.strip(), new.contact, new.consents.kinds)
        await sign_up(who, new.password, client_prefix(request.origin), self._services)
        return Response(202, bodies.Received("received"))

    async def sign_in(self, request: Request) -> Response:
        given = await request.body(bodies.SignIn)
        at = client_prefix(request.origin), device_of(request)
        return _opened(await sign_in(given.contact, given.password, given.code, at, self._services))

    async def refresh(self, request: Request) -> Response:
        given = await request.body(bodies.Refresh)
        return _opened(await refresh(given.refresh_token, self._services))

    async def end(self, request: Request) -> Response:
        given = await request.body(bodies.Refresh)
        await self._services.store.write(sign_out, kept(given.refresh_token), key="renewals")
        return Response(200, bodies.Received("ended"))

    async def ask_for_a_reset(self, request: Request) -> Response:
        given = await request.body(bodies.ResetWish)
        await ask_for_a_reset(given.contact, client_prefix(request.origin), self._services)
        return Response(202, bodies.Received("received"))

    async def reset(self, request: Request) -> Response:
        given = await request.body(bodies.Reset)
        await reset_password(given.token, given.password, client_prefix(request.origin), self._services)
        return Response(200, bodies.Received("changed"))

    async def key_set(self, _ask: Request) -> Response:
        keys = {"keys": [key.jwk for key in self._keys.published()]}
        return Response(200, keys, {"Cache-Control": f"public, max-age={KEYS_FRESH_S}"}, media="application/json")


def _opened(access: Access) -> Response:
    return Response(200, bodies.opened(access), {"Cache-Control": "no-store"})
