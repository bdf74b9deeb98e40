"""One's own account, and everybody's for admins."""

from gbike.kit.access.addresses import household
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection
from gbike.services.account.clients.authenticator import link
from gbike.services.account.commands.accounts import remove_authenticator, rename, set_roles
from gbike.services.account.commands.sessions import sign_out_everywhere, sign_out_there
from gbike.services.account.domain import About, Account, in_order
from gbike.services.account.http import bodies
from gbike.services.account.saga import own_account
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.storage import accounts, sessions

ACCOUNTS = Kind("accounts", "account", "userid")


class AccountHttp:
    """The handlers."""

    def __init__(self, services: AccountServices, issuer: str) -> None:
        self._services, self._store = services, services.store
        self._issuer = issuer

    async def list(self, ask: Ask) -> Answer:
        """GET /accounts."""
        page = ask.page()
        rows, total = await accounts.page(self._store, page)
        return Answer(200, collection(ACCOUNTS, ask.base, [bodies.shown(one) for one in rows], page, total))

    async def show(self, ask: Ask) -> Answer:
        """GET /accounts/{userid}."""
        return _found(ask, await self._store.read(accounts.load, ask.id("userid")))

    async def rename(self, ask: Ask) -> Answer:
        """PATCH /accounts/{userid}."""
        userid, change = ask.id("userid"), await ask.body(bodies.AccountChange)
        return _found(ask, await self._store.write(rename, userid, change.name.strip(), key=f"account:{userid}"))

    async def change_password(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/password."""
        userid, given = ask.id("userid"), await ask.body(bodies.PasswordChange)
        client = household(ask.origin)
        changed = await own_account.change_password(userid, given.current, given.new, client, self._services)
        return _found(ask, changed)

    async def enrol(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator."""
        userid, password, client = await _oneself(ask)
        account, secret = await own_account.begin_enrolment(userid, password, client, self._services)
        return Answer(200, bodies.EnrolmentResource(secret, link(secret, account.contact or str(userid), self._issuer)))

    async def confirm(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/confirmation."""
        userid, given = ask.id("userid"), await ask.body(bodies.Confirmation)
        client = household(ask.origin)
        done = await own_account.confirm_enrolment(userid, given.code, given.password, client, self._services)
        return _with_codes(ask, *done)

    async def renew_recovery_codes(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/recoveryCodes."""
        return _with_codes(ask, *await own_account.renew_recovery_codes(*await _oneself(ask), self._services))

    async def erase(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/erasure."""
        return _found(ask, await own_account.erase(*await _oneself(ask), self._services))

    async def prove_contact(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/contact/proof."""
        userid, given = ask.id("userid"), await ask.body(bodies.Proof)
        return _found(ask, await own_account.prove_own_contact(userid, given.code, self._services))

    async def ask_for_a_code(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/contact/code."""
        await own_account.ask_for_a_code(ask.id("userid"), self._services)
        return Answer(202, bodies.Received("received"))

    async def change_contact(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/contact."""
        userid, given = ask.id("userid"), await ask.body(bodies.ContactChange)
        client = household(ask.origin)
        await own_account.change_contact(userid, given.contact, given.password, client, self._services)
        return Answer(202, bodies.Received("received"))

    async def sessions(self, ask: Ask) -> Answer:
        """GET /accounts/{userid}/sessions."""
        going_on = await self._store.read(sessions.of, ask.id("userid"), self._services.clock.now_ms())
        return Answer(200, bodies.OpenSessions([bodies.open_session(one, ask.principal.session) for one in going_on]))

    async def end_session(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/sessions/{sessionid}/end."""
        userid = ask.id("userid")
        await self._store.write(sign_out_there, userid, ask.path_params["sessionid"], key=f"account:{userid}")
        return Answer(200, bodies.Received("ended"))

    async def end_sessions(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/sessions/end."""
        userid = ask.id("userid")
        await self._store.write(sign_out_everywhere, userid, key=f"account:{userid}")
        return Answer(200, bodies.Received("ended"))

    async def grant(self, ask: Ask) -> Answer:
        """PUT /accounts/{userid}/roles."""
        userid, given = ask.id("userid"), await ask.body(bodies.Grant)
        roles = in_order(given.roles)
        account = await self._store.write(set_roles, userid, roles, given.managerid, key=f"account:{userid}")
        await self._services.notify(account, About.ROLES)
        return _found(ask, account)

    async def remove_authenticator(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/authenticator/removal."""
        userid = ask.id("userid")
        account = await self._store.write(remove_authenticator, userid, key=f"account:{userid}")
        await self._services.notify(account, About.FACTOR_GONE)
        return _found(ask, account)


async def _oneself(ask: Ask) -> tuple[int, str | None, str]:
    """The account in the path, the password of who asks, if they show it, and their client."""
    userid, given = ask.id("userid"), await ask.body_if_any(bodies.Oneself)
    return userid, given.password, household(ask.origin)


def _with_codes(ask: Ask, account: Account, codes: list[str]) -> Answer:
    """The account with recovery codes, which nobody may keep a copy of."""
    answer = ask.found(ACCOUNTS, bodies.with_codes(account, codes))
    return Answer(answer.status, answer.content, {**answer.headers, "Cache-Control": "no-store"})


def _found(ask: Ask, account: Account) -> Answer:
    """The account."""
    return ask.found(ACCOUNTS, bodies.shown(account))
