"""What may be asked of userDeposit. Money is moved by naming an amount, never by writing a balance into a row."""

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.rules import ADMINS, PEOPLE
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Amount, Difference, Id, Reason, invalid
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import catalogue
from gbike.kit.money import MAX_WON
from gbike.services.user_deposit import domain
from gbike.services.user_deposit.domain import Deposit
from gbike.services.user_deposit.storage import SqlDeposits
from gbike.services.user_deposit.usecases import (
    correct_a_deposit,
    look_up_a_deposit,
    open_a_deposit,
    set_a_balance,
    top_up_a_deposit,
)

DEPOSITS = Kind("userDeposits", "userDeposit", "userid", (("findByUserid", "userid"),))
ENTRIES = Kind("entries", "entry", "entryid")
Balance = Annotated[int, Meta(ge=0, le=MAX_WON, description="whole won (KRW)")]
SignedWon = Annotated[int, Meta(ge=-MAX_WON, le=MAX_WON, description="whole won (KRW)")]
TEXTS = catalogue(PROBLEM_TEXTS)
UNKNOWN = TEXTS["deposit-unknown"]
EXISTS = TEXTS["deposit-exists"]
BOUNDS = TEXTS["amount-out-of-bounds"]
DIFFERS = TEXTS["posting-differs"]
CHANGED = TEXTS["balance-changed"]
ACCOUNT_ERASED = TEXTS["account-erased"]
"""For a person who was erased and has a token that has not run out."""
REFUSALS: Refusals = {
    domain.NoSuchDeposit: UNKNOWN,
    domain.DepositExists: EXISTS,
    domain.OutOfBounds: BOUNDS,
    domain.PostingDiffers: DIFFERS,
    domain.BalanceChanged: CHANGED,
    domain.RiderErased: ACCOUNT_ERASED,
}


class DepositResource(msgspec.Struct, frozen=True):
    """A rider's deposit as clients see it; won."""

    userid: int
    deposit: int
    billid: int | None
    registered: bool


class EntryResource(msgspec.Struct, frozen=True):
    """One movement of a rider's money; `amount` in won, negative when taken."""

    entryid: int
    cause: str
    amount: int
    at: str


class NewDeposit(msgspec.Struct, frozen=True):
    """What opens a deposit."""

    userid: Id
    deposit: Balance


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
    """Money paid in."""

    amount: Amount


class DepositHttp:
    """The handlers."""

    def __init__(self, deposits: SqlDeposits, change: type[DepositChange | ExpectingChange]) -> None:
        """`change`: what sets a balance."""
        self._deposits, self._change = deposits, change

    async def list(self, ask: Ask) -> Answer:
        """GET /userDeposits."""
        page = ask.page()
        found, total = await self._deposits.page(page, ask.whose)
        return Answer(200, collection(DEPOSITS, ask.base, [shown(one) for one in found], page, total))

    async def open(self, ask: Ask) -> Answer:
        """POST /userDeposits."""
        new, render = await ask.body(NewDeposit), partial(self._created, ask)
        once = await ask.once(render)
        return render(await open_a_deposit(new.userid, new.deposit, deposits=self._deposits, once=once))

    async def show(self, ask: Ask) -> Answer:
        """GET /userDeposits/{userid}."""
        return self._shown(ask, await look_up_a_deposit(ask.id("userid"), ask.whose, deposits=self._deposits))

    async def find(self, ask: Ask) -> Answer:
        """GET /userDeposits/search/findByUserid."""
        return self._shown(ask, await look_up_a_deposit(ask.find("userid"), ask.whose, deposits=self._deposits))

    async def set(self, ask: Ask) -> Answer:
        """PATCH or PUT /userDeposits/{userid}."""
        userid, change, render = ask.id("userid"), await ask.body(self._change), partial(self._shown, ask)
        if change.deposit is None:
            return render(await look_up_a_deposit(userid, ask.whose, deposits=self._deposits))
        once = await ask.once(render)
        return render(await set_a_balance(userid, change.deposit, change.expected, deposits=self._deposits, once=once))

    async def correct(self, ask: Ask) -> Answer:
        """POST /userDeposits/{userid}/corrections."""
        userid, wrong, render = ask.id("userid"), await ask.body(Correction), partial(self._created, ask)
        if not wrong.amount:
            raise invalid("amount", "a difference of 0 corrects nothing")
        once = await ask.once(render)
        return render(await correct_a_deposit(userid, wrong.amount, wrong.reason, deposits=self._deposits, once=once))

    async def top_up(self, ask: Ask) -> Answer:
        """POST /userDeposits/{userid}/topUps."""
        userid, paid, render = ask.id("userid"), await ask.body(TopUp), partial(self._created, ask)
        once = await ask.once(render)
        return render(await top_up_a_deposit(userid, paid.amount, deposits=self._deposits, once=once))

    async def entries(self, ask: Ask) -> Answer:
        """GET /userDeposits/{userid}/entries."""
        userid, page = ask.id("userid"), ask.page()
        found, total = await self._deposits.entries(userid, ask.whose, page)
        rows = [EntryResource(e.entryid, e.cause, e.amount, rfc3339(e.at_ms)) for e in found]
        return Answer(200, collection(ENTRIES, f"{ask.base}/userDeposits/{userid}", rows, page, total))

    async def searches(self, ask: Ask) -> Answer:
        """GET /userDeposits/search."""
        return Answer(200, searches(DEPOSITS, ask.base))

    def _shown(self, ask: Ask, deposit: Deposit) -> Answer:
        return ask.found(DEPOSITS, shown(deposit))

    def _created(self, ask: Ask, deposit: Deposit) -> Answer:
        where = f"{ask.base}/userDeposits/{deposit.userid}"
        return Answer(201, item(DEPOSITS, ask.base, shown(deposit)), {"Location": where})


def shown(deposit: Deposit) -> DepositResource:
    """The deposit as clients see it."""
    return DepositResource(deposit.userid, deposit.balance, deposit.billid, deposit.registered)


def operations(deposits: SqlDeposits, must_expect: bool) -> list[Operation]:
    """The operations of userDeposit. `must_expect`: whoever sets a balance tells the one that was seen."""
    change = ExpectingChange if must_expect else DepositChange
    http, one, base = DepositHttp(deposits, change), {200: DepositResource}, "/userDeposits"
    at, none = base + "/{userid}", (UNKNOWN,)
    find, put = base + "/search/findByUserid", "Set a balance; POST /userDeposits/{userid}/corrections is safer"
    held, refused = {"deposit": 100000, "expected": 95000}, (UNKNOWN, BOUNDS, CHANGED)
    return [
        Operation("GET", base, http.list, "List the deposits", PEOPLE, answers={200: [DepositResource]}, paged=True),
        Operation(
            "POST",
            base,
            http.open,
            "Open a deposit",
            ADMINS,
            NewDeposit,
            {201: DepositResource},
            refusals=(EXISTS, ACCOUNT_ERASED),
            example={"userid": 1, "deposit": 100000},
        ),
        Operation("GET", base + "/search", http.searches, "The searches", PEOPLE),
        Operation("GET", find, http.find, "A rider's deposit", PEOPLE, None, one, "userid", refusals=none),
        Operation("GET", at, http.show, "One deposit", PEOPLE, answers=one, refusals=none),
        Operation("PATCH", at, http.set, put, ADMINS, change, one, refusals=refused, example=held),
        Operation("PUT", at, http.set, put, ADMINS, change, one, refusals=refused, example=held),
        *_movements(http, at),
    ]


def _movements(http: DepositHttp, at: str) -> list[Operation]:
    made, known = {201: DepositResource}, (UNKNOWN, BOUNDS, DIFFERS)
    return [
        Operation(
            "POST",
            at + "/corrections",
            http.correct,
            "Correct a balance by a difference",
            ADMINS,
            Correction,
            made,
            refusals=known,
            example={"amount": -500, "reason": "paid in twice"},
        ),
        Operation(
            "POST",
            at + "/topUps",
            http.top_up,
            "Pay in",
            ADMINS,
            TopUp,
            made,
            refusals=(*known, ACCOUNT_ERASED),
            example={"amount": 10000},
        ),
        Operation(
            "GET",
            at + "/entries",
            http.entries,
            "The movements, newest first",
            PEOPLE,
            answers={200: [EntryResource]},
            paged=True,
            refusals=(UNKNOWN,),
        ),
    ]
