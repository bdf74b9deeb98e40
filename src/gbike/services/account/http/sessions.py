"""The doors: signing up, signing in, staying in, going, and coming back without a password."""

from gbike.kit.access.addresses import household
from gbike.kit.access.keyring import Keys
from gbike.kit.http.ask import Answer, Ask
from gbike.services.account.commands.sessions import sign_out
from gbike.services.account.domain import Access
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

    async def sign_up(self, ask: Ask) -> Answer:
        """POST /accounts."""
        new = await ask.body(bodies.SignUp)
        await sign_up(new.name.strip(), new.contact, new.password, household(ask.origin), self._services)
        return Answer(202, bodies.Received("received"))

    async def sign_in(self, ask: Ask) -> Answer:
        """POST /sessions."""
        given = await ask.body(bodies.SignIn)
        at = household(ask.origin), device_of(ask)
        return _opened(await sign_in(given.contact, given.password, given.code, at, self._services))

    async def refresh(self, ask: Ask) -> Answer:
        """POST /sessions/refresh."""
        given = await ask.body(bodies.Refresh)
        return _opened(await refresh(given.refresh_token, self._services))

    async def end(self, ask: Ask) -> Answer:
        """POST /sessions/end."""
        given = await ask.body(bodies.Refresh)
        await self._services.store.write(sign_out, kept(given.refresh_token), key="renewals")
        return Answer(200, bodies.Received("ended"))

    async def ask_for_a_reset(self, ask: Ask) -> Answer:
        """POST /accounts/passwordResets."""
        given = await ask.body(bodies.ResetWish)
        await ask_for_a_reset(given.contact, household(ask.origin), self._services)
        return Answer(202, bodies.Received("received"))

    async def reset(self, ask: Ask) -> Answer:
        """POST /accounts/passwordResets/use."""
        given = await ask.body(bodies.Reset)
        await reset_password(given.token, given.password, household(ask.origin), self._services)
        return Answer(200, bodies.Received("changed"))

    async def key_set(self, _ask: Ask) -> Answer:
        """GET /.well-known/jwks.json."""
        keys = {"keys": [key.jwk for key in self._keys.published()]}
        return Answer(200, keys, {"Cache-Control": f"public, max-age={KEYS_FRESH_S}"}, media="application/json")


def _opened(access: Access) -> Answer:
    """What nobody may keep a copy of."""
    return Answer(200, bodies.opened(access), {"Cache-Control": "no-store"})
