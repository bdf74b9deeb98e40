"""One's own account, and everybody's for admins."""

from gbike.kit.access.addresses import household
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection
from gbike.services.account.clients.authenticator import link
from gbike.services.account.domain import Account, in_order
from gbike.services.account.http import bodies
from gbike.services.account.storage.accounts import SqlAccounts
from gbike.services.account.usecases import change_password, erase, grant_roles
from gbike.services.account.usecases.desk import Asker, Desk
from gbike.services.account.usecases.factors import (
    begin_enrolment,
    confirm_enrolment,
    remove_authenticator,
    renew_recovery_codes,
)

ACCOUNTS = Kind("accounts", "account", "userid")


class AccountHttp:
    """The handlers."""

    def __init__(self, desk: Desk, accounts: SqlAccounts, issuer: str) -> None:
        self._desk, self._accounts, self._issuer = desk, accounts, issuer

    async def list(self, ask: Ask) -> Answer:
        """GET /accounts."""
        page = ask.page()
        rows, total = await self._accounts.page(page)
        return Answer(200, collection(ACCOUNTS, ask.base, [bodies.shown(one) for one in rows], page, total))

    async def show(self, ask: Ask) -> Answer:
        """GET /accounts/{userid}."""
        return _found(ask, await self._accounts.one(ask.id("userid"), ask.whose.only))

    async def rename(self, ask: Ask) -> Answer:
        """PATCH /accounts/{userid}."""
        userid, change = ask.id("userid"), await ask.body(bodies.AccountChange)
        return _found(ask, await self._accounts.rename(userid, change.name.strip(), ask.whose.only))

    async def change_password(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/password."""
        userid, given = ask.id("userid"), await ask.body(bodies.PasswordChange)
        client = household(ask.origin)
        changed = await change_password(userid, given.current, given.new, ask.whose.only, client, desk=self._desk)
        return _found(ask, changed)

    async def enrol(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator."""
        userid, asker = ask.id("userid"), asker_of(ask, (await ask.body_if_any(bodies.Oneself)).password)
        secret = await begin_enrolment(userid, ask.whose.only, asker, desk=self._desk)
        account = await self._accounts.one(userid, ask.whose.only)
        return Answer(200, bodies.EnrolmentResource(secret, link(secret, account.contact or str(userid), self._issuer)))

    async def confirm(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/confirmation."""
        userid, given = ask.id("userid"), await ask.body(bodies.Confirmation)
        asker = asker_of(ask, given.password)
        return _with_codes(ask, *await confirm_enrolment(userid, given.code, ask.whose.only, asker, desk=self._desk))

    async def renew_recovery_codes(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/recoveryCodes."""
        userid, asker = ask.id("userid"), asker_of(ask, (await ask.body_if_any(bodies.Oneself)).password)
        return _with_codes(ask, *await renew_recovery_codes(userid, ask.whose.only, asker, desk=self._desk))

    async def erase(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/erasure."""
        userid, asker = ask.id("userid"), asker_of(ask, (await ask.body_if_any(bodies.Oneself)).password)
        return _found(ask, await erase(userid, ask.whose.only, asker, desk=self._desk))

    async def sessions(self, ask: Ask) -> Answer:
        """GET /accounts/{userid}/sessions."""
        found = await self._desk.sessions.all_of(ask.id("userid"), ask.whose.only, self._desk.clock.now_ms())
        shown = [bodies.open_session(session, ask.principal.session) for session in found]
        return Answer(200, bodies.OpenSessions(shown))

    async def end_session(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/sessions/{sessionid}/end."""
        session = ask.path_params["sessionid"]
        await self._desk.sessions.end_one(ask.id("userid"), session, ask.whose.only)
        return Answer(200, bodies.Received("ended"))

    async def end_sessions(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/sessions/end."""
        await self._desk.sessions.end_all(ask.id("userid"), ask.whose.only)
        return Answer(200, bodies.Received("ended"))

    async def grant(self, ask: Ask) -> Answer:
        """PUT /accounts/{userid}/roles."""
        userid, given = ask.id("userid"), await ask.body(bodies.Grant)
        return _found(ask, await grant_roles(userid, in_order(given.roles), given.managerid, desk=self._desk))

    async def remove_authenticator(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/removal."""
        return _found(ask, await remove_authenticator(ask.id("userid"), desk=self._desk))


def _with_codes(ask: Ask, account: Account, codes: list[str]) -> Answer:
    """The account with recovery codes, which nobody may keep a copy of."""
    answer = ask.found(ACCOUNTS, bodies.with_codes(account, codes))
    return Answer(answer.status, answer.content, {**answer.headers, "Cache-Control": "no-store"})


def asker_of(ask: Ask, password: str | None) -> Asker:
    """Who asks for what the password protects."""
    return Asker(ask.principal, password, household(ask.origin))


def _found(ask: Ask, account: Account) -> Answer:
    """The account."""
    return ask.found(ACCOUNTS, bodies.shown(account))
