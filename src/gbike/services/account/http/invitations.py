"""Invitations: admins make and withdraw them, whoever was sent one uses it."""

from functools import partial

from msgspec import structs

from gbike.kit.auth.limits import SIGN_INS
from gbike.kit.auth.passwords import HashingBusy
from gbike.kit.auth.rules import ADMINS, PUBLIC
from gbike.kit.clock import rfc3339
from gbike.kit.contacts import BadContact
from gbike.kit.http.app import Operation
from gbike.kit.http.fields import ms_of
from gbike.kit.http.lists import listed
from gbike.kit.http.request import Request, ResourceKind, Response, item
from gbike.services.account import domain
from gbike.services.account.commands.invitations import withdraw
from gbike.services.account.domain import Invitation
from gbike.services.account.http import bodies
from gbike.services.account.http.refusals import refused
from gbike.services.account.saga.invitations import come_in, invite_somebody, look_at_invitation
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.storage import invitations

INVITATIONS = ResourceKind("invitations", "invitation", "invitationid")
ABOVE, AT = "/accounts", "/accounts/invitations"
ONCE = {"Cache-Control": "no-store"}
"""For what nobody may keep a copy of."""


class InvitationHttp:
    """The handlers."""

    def __init__(self, services: AccountServices) -> None:
        self._services, self._store = services, services.store

    async def invite(self, request: Request) -> Response:
        wish = await request.body(bodies.InvitationWish)
        may = domain.in_order(wish.roles), wish.managerid
        expires_ms = None if wish.expires is None else ms_of(wish.expires)
        made, link = await invite_somebody(wish.contact, may, expires_ms, wish.reason, self._services)
        shown = bodies.InvitedResource(**structs.asdict(_to_resource(made)), link=link)
        content = item(INVITATIONS, request.base + ABOVE, shown)
        return Response(201, content, {**ONCE, "Location": content["_links"]["self"]["href"]})

    async def list(self, request: Request) -> Response:
        those = invitations.listing(self._services.clock.now_ms())
        return await listed(request, self._store, those, INVITATIONS, _to_resource, of=ABOVE)

    async def withdraw(self, request: Request) -> Response:
        given = await request.body_if_any(bodies.AdminsReason)
        await self._store.write(withdraw, request.id("invitationid"), given.reason, key="accounts")
        return Response(200, bodies.Received("withdrawn"))

    async def look(self, request: Request) -> Response:
        given = await request.body(bodies.InvitationToken)
        invited, known = await look_at_invitation(given.token, self._services)
        return Response(200, bodies.InvitationLook(list(invited.roles), known, rfc3339(invited.expires_ms)), ONCE)

    async def use(self, request: Request) -> Response:
        given = await request.body(bodies.InvitationUse)
        new = await come_in(given.token, (given.name or "").strip(), given.password, self._services)
        return Response(200, bodies.Received("joined" if new else "granted"))


def operations(services: AccountServices) -> list[Operation]:
    http = InvitationHttp(services)
    door = partial(Operation, "POST", rule=PUBLIC, pace=SIGN_INS)
    wish = {"contact": "lee@example.com", "roles": ["rider", "bikeManager"], "reason": "works in the field from Monday"}
    used = {"token": "aW52aXRhdGlvbg", "name": "Lee", "password": "another bicycle at dawn"}
    come_in_refused = (domain.InvitationRefused, domain.NewcomerUnnamed, domain.WeakPassword, HashingBusy)
    return [
        Operation(
            "POST",
            AT,
            http.invite,
            "Invite somebody by a contact",
            ADMINS,
            takes=bodies.InvitationWish,
            answers={201: bodies.InvitedResource},
            refusals=refused(BadContact, domain.ExpiryRefused),
            example=wish,
        ),
        Operation(
            "GET",
            AT,
            http.list,
            "The invitations that nobody has used yet",
            ADMINS,
            answers={200: [bodies.InvitationResource]},
            paged=True,
            looks="names",
            looks_at="invitations",
        ),
        Operation(
            "DELETE",
            AT + "/{invitationid}",
            http.withdraw,
            "Withdraw an invitation",
            ADMINS,
            takes=bodies.AdminsReason,
            answers={200: bodies.Received},
            refusals=refused(domain.NoSuchInvitation),
            example={"reason": "a slip of the pen in the address"},
            may_be_empty=True,
        ),
        door(
            AT + "/look",
            http.look,
            "What the invitation that was sent is good for",
            takes=bodies.InvitationToken,
            answers={200: bodies.InvitationLook},
            refusals=refused(domain.InvitationRefused),
            example={"token": used["token"]},
        ),
        door(
            AT + "/use",
            http.use,
            "Come in with the invitation that was sent",
            takes=bodies.InvitationUse,
            answers={200: bodies.Received},
            refusals=refused(*come_in_refused),
            example=used,
        ),
    ]


def _to_resource(one: Invitation) -> bodies.InvitationResource:
    return bodies.InvitationResource(
        invitationid=one.invitationid,
        contact=one.contact,
        roles=list(one.roles),
        managerid=one.managerid,
        since=rfc3339(one.since_ms),
        expires=rfc3339(one.expires_ms),
    )
