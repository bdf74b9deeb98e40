"""The terms that hold, and what people agree to of them: themselves, and nobody for them."""

from functools import partial
from typing import Annotated

from msgspec import Meta, Struct

from gbike.kit.auth.limits import VISITS
from gbike.kit.auth.rules import PEOPLE, PUBLIC, ROLES, may
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation
from gbike.kit.http.fields import invalid
from gbike.kit.http.request import Request, Response
from gbike.services.account import domain
from gbike.services.account.commands.consents import give_consent, withdraw_consent
from gbike.services.account.domain.consents import Consent, ConsentKind, TermsChanged, TermsHold
from gbike.services.account.http.refusals import refused
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.storage import accounts, consents

Version = Annotated[str, Meta(min_length=1, max_length=64, description="of the terms, as GET /accounts/terms tells it")]
OWN = may(own=ROLES)


class GivenConsents(Struct, frozen=True):
    """What somebody who signs up agrees to: the version of each."""

    terms: Version | None = None
    location: Version | None = None

    @property
    def kinds(self) -> list[ConsentKind]:
        """What is agreed to."""
        return [kind for kind in ConsentKind if getattr(self, kind) is not None]


class ConsentWish(Struct, frozen=True):
    """The version that somebody agrees to: the one that holds."""

    version: Version


class ConsentResource(Struct, frozen=True):
    """What somebody agreed to, and when."""

    kind: str
    version: str
    at: str


class Consents(Struct, frozen=True):
    """Whatever an account agrees to."""

    consents: list[ConsentResource]


class TermsResource(Struct, frozen=True):
    """The version of the terms that holds, and where the terms of use and those of location are; null: gbike's own
    pages have them."""

    version: str
    terms: str | None
    location: str | None


class ConsentHttp:
    """The handlers."""

    def __init__(self, services: AccountServices) -> None:
        self._store, self._terms = services.store, services.policy.terms

    async def terms(self, _ask: Request) -> Response:
        holds = self._terms
        return Response(200, TermsResource(holds.version, holds.terms_url or None, holds.location_url or None))

    async def list(self, request: Request) -> Response:
        userid = request.id("userid")
        await self._store.read(accounts.load, userid)
        return _given(await self._store.read(consents.of, userid))

    async def give(self, request: Request) -> Response:
        userid, kind = request.id("userid"), _kind(request)
        wish = await request.body(ConsentWish)
        args = userid, kind, wish.version, self._terms
        given = _given(await self._store.write(give_consent, *args, key=f"account:{userid}"))
        return Response(200, given.content, {"Location": f"{request.base}/accounts/{userid}/consents"})

    async def withdraw(self, request: Request) -> Response:
        userid, kind = request.id("userid"), _kind(request)
        return _given(await self._store.write(withdraw_consent, userid, kind, key=f"account:{userid}"))


def _kind(request: Request) -> ConsentKind:
    try:
        return ConsentKind(request.path_params["kind"])
    except ValueError:
        raise invalid("kind", "is terms or location", "terms나 location이어야 해요") from None


def _given(found: list[Consent]) -> Response:
    return Response(200, Consents([ConsentResource(one.kind, one.version, rfc3339(one.at_ms)) for one in found]))


def consent_operations(services: AccountServices) -> list[Operation]:
    http, at = ConsentHttp(services), "/accounts/{userid}/consents"
    one, kinds = at + "/{kind:str}", {"kind": f"^({'|'.join(ConsentKind)})$"}
    of = partial(Operation, answers={200: Consents})
    own = partial(of, rule=OWN, patterns=kinds)
    agree, disagree = refused(domain.NoSuchAccount, TermsChanged), refused(domain.NoSuchAccount, TermsHold)
    wish = {"version": services.policy.terms.version}
    return [
        Operation(
            "GET",
            "/accounts/terms",
            http.terms,
            "The terms that hold, and where they are",
            PUBLIC,
            answers={200: TermsResource},
            pace=VISITS,
        ),
        of(
            "GET",
            at,
            http.list,
            "What somebody agreed to",
            PEOPLE,
            refusals=refused(domain.NoSuchAccount),
            looks="consents",
        ),
        own("PUT", one, http.give, "Agree to the terms", takes=ConsentWish, refusals=agree, example=wish),
        own("DELETE", one, http.withdraw, "Take a consent back", keyed=True, refusals=disagree),
    ]
