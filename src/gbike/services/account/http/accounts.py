"""One's own account, and everybody's for admins."""

from gbike.kit.auth.addresses import client_prefix
from gbike.kit.contacts import beginnings
from gbike.kit.http.lists import collection, listed
from gbike.kit.http.request import Request, ResourceKind, Response
from gbike.kit.storage.listing import Page
from gbike.services.account.clients.authenticator import link
from gbike.services.account.commands.accounts import record_search, remove_authenticator, rename, set_roles
from gbike.services.account.commands.sessions import sign_out_everywhere, sign_out_there
from gbike.services.account.domain import About, Account, in_order
from gbike.services.account.http import bodies
from gbike.services.account.saga import own_account
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.storage import accounts, sessions
from gbike.services.account.storage.names import MOST_FOUND

ACCOUNTS = ResourceKind("accounts", "account", "userid")


class AccountHttp:
    """The handlers."""

    def __init__(self, services: AccountServices, issuer: str) -> None:
        self._services, self._store = services, services.store
        self._issuer = issuer

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, accounts.LISTED, ACCOUNTS, bodies.to_resource)

    async def search(self, request: Request) -> Response:
        text = (await request.body(bodies.Search)).q.strip()
        begins = beginnings(text, self._services.policy.phone_region)
        found = await self._store.read(accounts.found, text, begins)
        await self._store.write(record_search, len(found), key="accounts")
        if len(found) == 1:  # the same as a look at this one's account
            request.only_looked, request.whose = True, found[0].userid
        rows = [bodies.to_resource(one) for one in found]
        return Response(200, collection(ACCOUNTS, request.base, rows, Page(size=MOST_FOUND), len(rows)))

    async def show(self, request: Request) -> Response:
        return _found(request, await self._store.read(accounts.load, request.id("userid")))

    async def rename(self, request: Request) -> Response:
        userid, change = request.id("userid"), await request.body(bodies.AccountChange)
        return _found(request, await self._store.write(rename, userid, change.name.strip(), key=f"account:{userid}"))

    async def change_password(self, request: Request) -> Response:
        userid, given = request.id("userid"), await request.body(bodies.PasswordChange)
        client = client_prefix(request.origin)
        changed = await own_account.change_password(userid, given.current, given.new, client, self._services)
        return _found(request, changed)

    async def enrol(self, request: Request) -> Response:
        userid, password, client = await _oneself(request)
        account, secret = await own_account.begin_enrolment(userid, password, client, self._services)
        return Response(
            200, bodies.EnrolmentResource(secret, link(secret, account.contact or str(userid), self._issuer))
        )

    async def confirm(self, request: Request) -> Response:
        userid, given = request.id("userid"), await request.body(bodies.Confirmation)
        client = client_prefix(request.origin)
        done = await own_account.confirm_enrolment(userid, given.code, given.password, client, self._services)
        return _with_codes(request, *done)

    async def renew_recovery_codes(self, request: Request) -> Response:
        return _with_codes(request, *await own_account.renew_recovery_codes(*await _oneself(request), self._services))

    async def erase(self, request: Request) -> Response:
        return _found(request, await own_account.erase(*await _oneself(request), self._services))

    async def prove_contact(self, request: Request) -> Response:
        userid, given = request.id("userid"), await request.body(bodies.Proof)
        return _found(request, await own_account.prove_own_contact(userid, given.code, self._services))

    async def ask_for_a_code(self, request: Request) -> Response:
        await own_account.ask_for_a_code(request.id("userid"), self._services)
        return Response(202, bodies.Received("received"))

    async def change_contact(self, request: Request) -> Response:
        userid, given = request.id("userid"), await request.body(bodies.ContactChange)
        client = client_prefix(request.origin)
        await own_account.change_contact(userid, given.contact, given.password, client, self._services)
        return Response(202, bodies.Received("received"))

    async def sessions(self, request: Request) -> Response:
        going_on = await self._store.read(sessions.of, request.id("userid"), self._services.clock.now_ms())
        return Response(
            200, bodies.OpenSessions([bodies.open_session(one, request.principal.session) for one in going_on])
        )

    async def end_session(self, request: Request) -> Response:
        userid = request.id("userid")
        await self._store.write(sign_out_there, userid, request.path_params["sessionid"], key=f"account:{userid}")
        return Response(200, bodies.Received("ended"))

    async def end_sessions(self, request: Request) -> Response:
        userid = request.id("userid")
        await self._store.write(sign_out_everywhere, userid, key=f"account:{userid}")
        return Response(200, bodies.Received("ended"))

    async def grant(self, request: Request) -> Response:
        userid, given = request.id("userid"), await request.body(bodies.Grant)
        roles = in_order(given.roles)
        args = (userid, roles, given.managerid, given.reason)
        account = await self._store.write(set_roles, *args, key=f"account:{userid}")
        await self._services.notify(account, About.ROLES)
        return _found(request, account)

    async def remove_authenticator(self, request: Request) -> Response:
        userid, given = request.id("userid"), await request.body_if_any(bodies.AdminsReason)
        account = await self._store.write(remove_authenticator, userid, given.reason, key=f"account:{userid}")
        await self._services.notify(account, About.FACTOR_GONE)
        return _found(request, account)


async def _oneself(request: Request) -> tuple[int, str | None, str]:
    """The account in the path, the password of who asks, if they show it, and their client."""
    userid, given = request.id("userid"), await request.body_if_any(bodies.Oneself)
    return userid, given.password, client_prefix(request.origin)


def _with_codes(request: Request, account: Account, codes: list[str]) -> Response:
    """The account with recovery codes, which nobody may keep a copy of."""
    response = request.found(ACCOUNTS, bodies.with_codes(account, codes))
    return Response(response.status, response.content, {**response.headers, "Cache-Control": "no-store"})


def _found(request: Request, account: Account) -> Response:
    return request.found(ACCOUNTS, bodies.to_resource(account))
