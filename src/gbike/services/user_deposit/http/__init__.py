"""What may be asked of userDeposit. Money is moved by naming an amount, never by writing a balance into a row."""

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.principal import acting
from gbike.kit.auth.rules import ADMINS, PEOPLE
from gbike.kit.clock import Clock, Ids, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Amount, Difference, Id, Instant, Reason, invalid, ms_of
from gbike.kit.http.filters import FLAG, NUMBER, SPAN
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.money import MAX_WON
from gbike.kit.store import Row, Store
from gbike.services.user_deposit import domain, storage
from gbike.services.user_deposit.commands import (
    block_a_rider,
    correct_a_deposit,
    end_a_block,
    open_a_deposit,
    set_a_balance,
    top_up_a_deposit,
)
from gbike.services.user_deposit.domain import Deposit

DEPOSITS = ResourceKind("userDeposits", "userDeposit", "userid", (("findByUserid", "userid"),))
ENTRIES = ResourceKind("entries", "entry", "entryid")
Balance = Annotated[int, Meta(ge=0, le=MAX_WON, description="whole won (KRW)")]
SignedWon = Annotated[int, Meta(ge=-MAX_WON, le=MAX_WON, description="whole won (KRW)")]
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchDeposit: TEXTS["deposit-unknown"],
    domain.DepositExists: TEXTS["deposit-exists"],
    domain.OutOfBounds: TEXTS["amount-out-of-bounds"],
    domain.PostingDiffers: TEXTS["posting-differs"],
    domain.BalanceChanged: TEXTS["balance-changed"],
    domain.UntilPassed: TEXTS["until-passed"],
    domain.RiderErased: TEXTS["account-erased"],  # a person who was erased may have a token that has not run out
}


class BlockResource(msgspec.Struct, frozen=True):
    """An operator keeps the rider from beginning a ride. `until` null: until an operator ends it."""

    reason: str
    since: str
    until: str | None


class DepositResource(msgspec.Struct, frozen=True):
    """A rider's deposit as clients see it; won. `mayrent`: whether the rider may begin a ride."""

    userid: int
    deposit: int
    billid: int | None
    registered: bool
    blocked: BlockResource | None
    mayrent: bool


class EntryResource(msgspec.Struct, frozen=True):
    """One movement of a rider's money; `amount` in won, negative when taken. `rentid`: the ride whose fee it is, or
    whose fee is given back; null for other movements, and where it was not kept."""

    entryid: int
    cause: str
    amount: int
    at: str
    rentid: int | None


class NewDeposit(msgspec.Struct, frozen=True):
    """What opens a deposit, and why where that is to be on record."""

    userid: Id
    deposit: Balance
    reason: Reason | None = None


class DepositChange(msgspec.Struct, frozen=True):
    """The balance that an operator wants; the difference is posted. Without it nothing changes. `expected`: the balance
    that the operator has seen; when it is another one by now, nothing is posted."""

    deposit: Balance | None = None
    expected: SignedWon | None = None


class ExpectingChange(msgspec.Struct, frozen=True):
    """The same where the balance that was seen must be told: send it, or post a correction."""

    expected: SignedWon
    deposit: Balance | None = None


class Correction(msgspec.Struct, frozen=True):
    """A difference to a balance, and why. Positive: to the rider, negative: from the rider; never 0."""

    amount: Difference
    reason: Reason


class TopUp(msgspec.Struct, frozen=True):
    """Money paid in, and why where that is to be on record."""

    amount: Amount
    reason: Reason | None = None


class BlockWish(msgspec.Struct, frozen=True):
    """Why a rider may begin no ride, and until when; without it, until an operator ends it."""

    reason: Reason
    until: Instant | None = None


class BlockEnd(msgspec.Struct, frozen=True):
    """Why a rider may begin rides again, where that is to be on record."""

    reason: Reason | None = None


class DepositHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store, ids: Ids, clock: Clock, change: type[DepositChange | ExpectingChange]) -> None:
        """`change`: what sets a balance."""
        self._store = store
        self._ids = ids
        self._clock = clock
        self._change = change

    def to_resource(self, deposit: Deposit) -> DepositResource:
        """As it is now: a block whose end has come is none, also before it is taken away."""
        block = deposit.block if deposit.block and deposit.block.lasts(self._clock.now_ms()) else None
        ids, shown = (deposit.billid, deposit.registered), _block(block) if block else None
        may = block is None and not deposit.missing_krw
        return DepositResource(deposit.userid, deposit.balance, *ids, blocked=shown, mayrent=may)

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, storage.LISTED, DEPOSITS, self.to_resource)

    async def open(self, request: Request) -> Deposit:
        new = await request.body(NewDeposit)
        return await self._store.write(open_a_deposit, new.userid, new.deposit, new.reason, key=f"user:{new.userid}")

    async def show(self, request: Request) -> Deposit:
        return await self._store.read(storage.load, request.id("userid"))

    async def set(self, request: Request) -> Deposit:
        userid, change = request.id("userid"), await request.body(self._change)
        if change.deposit is None:
            request.only_looked = True
            return await self._store.read(storage.load, userid)
        args = (userid, change.deposit, change.expected, self._cause())
        return await self._store.write(set_a_balance, *args, key=f"user:{userid}")

    async def correct(self, request: Request) -> Deposit:
        userid, wrong = request.id("userid"), await request.body(Correction)
        if not wrong.amount:
            raise invalid("amount", "a difference of 0 corrects nothing")
        args = (userid, wrong.amount, wrong.reason, self._cause())
        return await self._store.write(correct_a_deposit, *args, key=f"user:{userid}")

    async def top_up(self, request: Request) -> Deposit:
        userid, paid = request.id("userid"), await request.body(TopUp)
        args = (userid, paid.amount, self._cause(), paid.reason)
        return await self._store.write(top_up_a_deposit, *args, key=f"user:{userid}")

    async def block(self, request: Request) -> Deposit:
        userid, wish = request.id("userid"), await request.body(BlockWish)
        until_ms = None if wish.until is None else ms_of(wish.until)
        return await self._store.write(block_a_rider, userid, wish.reason, until_ms, key=f"user:{userid}")

    async def unblock(self, request: Request) -> Deposit:
        userid, wish = request.id("userid"), await request.body_if_any(BlockEnd)
        return await self._store.write(end_a_block, userid, wish.reason, key=f"user:{userid}")

    async def entries(self, request: Request) -> Response:
        deposit = await self._store.read(storage.load, request.id("userid"))
        moved, of = storage.entries(deposit.userid), f"/userDeposits/{deposit.userid}"
        return await listed(request, self._store, moved, ENTRIES, _entry, of=of, total=deposit.version)

    def _cause(self) -> str:
        """What names the movement: the same for the same key."""
        key = acting.get().key
        return key.key if key is not None else self._ids.new()


def _entry(row: Row) -> EntryResource:
    entryid, cause, amount, at_ms, rentid = row
    return EntryResource(entryid, cause, amount, rfc3339(at_ms), rentid)


def _block(block: domain.Block) -> BlockResource:
    until = None if block.until_ms is None else rfc3339(block.until_ms)
    return BlockResource(block.reason or "", rfc3339(block.since_ms), until)


def operations(store: Store, ids: Ids, clock: Clock, *, must_expect: bool) -> list[Operation]:
    """The operations of userDeposit. `must_expect`: whoever sets a balance tells the one that was seen."""
    change = ExpectingChange if must_expect else DepositChange
    http = DepositHttp(store, ids, clock, change)
    to_resource = http.to_resource
    base, at = "/userDeposits", "/userDeposits/{userid}"
    many, moves = {200: [DepositResource]}, {200: [EntryResource]}
    by = {"userid": NUMBER, "debt": FLAG, "blocked": FLAG}
    unknown, bounds = TEXTS.of("deposit-unknown"), TEXTS.of("deposit-unknown", "amount-out-of-bounds")
    erased = TEXTS.of("account-erased")
    single = partial(
        Operation, answers={200: DepositResource}, refusals=unknown, respond=showing(DEPOSITS, to_resource)
    )
    balance = partial(single, takes=change, looks="deposit", example={"deposit": 100000, "expected": 95000})
    new = partial(Operation, answers={201: DepositResource}, respond=showing(DEPOSITS, to_resource, 201))
    held, moved = bounds + TEXTS.of("balance-changed"), bounds + TEXTS.of("posting-differs")
    put = "Set a balance; POST /userDeposits/{userid}/corrections is safer"
    return [
        Operation(
            "GET",
            base,
            http.list,
            "List the deposits",
            PEOPLE,
            answers=many,
            paged=True,
            filters=by,
            looks="deposit",
        ),
        new(
            "POST",
            base,
            http.open,
            "Open a deposit",
            ADMINS,
            takes=NewDeposit,
            refusals=TEXTS.of("deposit-exists") + erased,
            example={"userid": 1, "deposit": 100000},
        ),
        Operation("GET", base + "/search", searching(DEPOSITS), "The searches", PEOPLE),
        single(
            "GET",
            base + "/search/findByUserid",
            http.show,
            "A rider's deposit",
            PEOPLE,
            finder="userid",
            looks="deposit",
        ),
        single("GET", at, http.show, "One deposit", PEOPLE, looks="deposit"),
        balance("PATCH", at, http.set, put, ADMINS, refusals=held),
        balance("PUT", at, http.set, put, ADMINS, refusals=held),
        new(
            "POST",
            at + "/corrections",
            http.correct,
            "Correct a balance by a difference",
            ADMINS,
            takes=Correction,
            refusals=moved,
            example={"amount": -500, "reason": "paid in twice"},
        ),
        new(
            "POST",
            at + "/topUps",
            http.top_up,
            "Pay in",
            ADMINS,
            takes=TopUp,
            refusals=moved + erased,
            example={"amount": 10000, "reason": "paid at the counter"},
        ),
        single(
            "PUT",
            at + "/block",
            http.block,
            "Keep a rider from beginning a ride; a return is never refused",
            ADMINS,
            takes=BlockWish,
            refusals=TEXTS.of("until-passed") + erased,
            example={"reason": "left a bike in a river", "until": "2026-12-31T15:00:00.000Z"},
        ),
        single(
            "DELETE",
            at + "/block",
            http.unblock,
            "Let a rider begin rides again",
            ADMINS,
            takes=BlockEnd,
            may_be_empty=True,
            example={"reason": "the bike is back"},
        ),
        Operation(
            "GET",
            at + "/entries",
            http.entries,
            "The movements, newest first",
            PEOPLE,
            answers=moves,
            paged=True,
            filters=SPAN,
            refusals=unknown,
            looks="movements",
        ),
    ]
