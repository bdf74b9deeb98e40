"""One's own account, and everybody's for admins."""

from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection
from gbike.services.account.clients.authenticator import link
from gbike.services.account.domain import Account, in_order
from gbike.services.account.http import bodies
from gbike.services.account.storage.accounts import SqlAccounts
from gbike.services.account.usecases import (
    Desk,
    begin_enrolment,
    change_password,
    confirm_enrolment,
    grant_roles,
    must_be_they,
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
        changed = await change_password(userid, given.current, given.new, ask.whose.only, ask.origin, desk=self._desk)
        return _found(ask, changed)

    async def enrol(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator."""
        userid = ask.id("userid")
        secret = await begin_enrolment(userid, ask.whose.only, desk=self._desk)
        account = await self._accounts.one(userid, ask.whose.only)
        return Answer(200, bodies.EnrolmentResource(secret, link(secret, account.contact or str(userid), self._issuer)))

    async def confirm(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/confirmation."""
        userid, given = ask.id("userid"), await ask.body(bodies.Confirmation)
        account, codes = await confirm_enrolment(userid, given.code, ask.whose.only, ask.origin, desk=self._desk)
        return _with_codes(ask, account, codes)

    async def renew_recovery_codes(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/recoveryCodes."""
        userid, given = ask.id("userid"), await ask.body(bodies.Oneself)
        known = await must_be_they(userid, given.password, ask.whose.only, ask.origin, desk=self._desk)
        return _with_codes(ask, *await renew_recovery_codes(known, desk=self._desk))

    async def erase(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/erasure."""
        account = await self._accounts.erase(ask.id("userid"), ask.whose.only)
        await self._desk.sender.forget(account.userid)
        return _found(ask, account)

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


def _found(ask: Ask, account: Account) -> Answer:
    """The account."""
    return ask.found(ACCOUNTS, bodies.shown(account))
