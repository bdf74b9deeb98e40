"""What may be asked of userDeposit. Money is moved by naming an amount, never by writing a balance into a row."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.rules import ADMINS, PEOPLE
from gbike.kit.acting import acting
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Amount, Difference, Id, Reason, invalid
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import catalogue
from gbike.kit.ids import Ids
from gbike.kit.money import MAX_WON
from gbike.kit.store import Store
from gbike.services.user_deposit import domain, storage
from gbike.services.user_deposit.commands import correct_a_deposit, open_a_deposit, set_a_balance, top_up_a_deposit
from gbike.services.user_deposit.domain import Deposit

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
    """The handlers: parse, one command."""

    def __init__(self, store: Store, ids: Ids, change: type[DepositChange | ExpectingChange]) -> None:
        """`change`: what sets a balance."""
        self._store, self._ids, self._change = store, ids, change

    async def list(self, ask: Ask) -> Answer:
        """GET /userDeposits."""
        page = ask.page()
        found, total = await storage.page(self._store, page)
        return Answer(200, collection(DEPOSITS, ask.base, [shown(one) for one in found], page, total))

    async def open(self, ask: Ask) -> Deposit:
        """POST /userDeposits."""
        new = await ask.body(NewDeposit)
        return await self._store.write(open_a_deposit, new.userid, new.deposit, key=f"user:{new.userid}")

    async def show(self, ask: Ask) -> Deposit:
        """GET /userDeposits/{userid}."""
        return await self._store.read(storage.load, ask.id("userid"))

    async def find(self, ask: Ask) -> Deposit:
        """GET /userDeposits/search/findByUserid."""
        return await self._store.read(storage.load, ask.find("userid"))

    async def set(self, ask: Ask) -> Deposit:
        """PATCH or PUT /userDeposits/{userid}."""
        userid, change = ask.id("userid"), await ask.body(self._change)
        if change.deposit is None:
            return await self._store.read(storage.load, userid)
        args = (userid, change.deposit, change.expected, self._cause())
        return await self._store.write(set_a_balance, *args, key=f"user:{userid}")

    async def correct(self, ask: Ask) -> Deposit:
        """POST /userDeposits/{userid}/corrections."""
        userid, wrong = ask.id("userid"), await ask.body(Correction)
        if not wrong.amount:
            raise invalid("amount", "a difference of 0 corrects nothing")
        args = (userid, wrong.amount, wrong.reason, self._cause())
        return await self._store.write(correct_a_deposit, *args, key=f"user:{userid}")

    async def top_up(self, ask: Ask) -> Deposit:
        """POST /userDeposits/{userid}/topUps."""
        userid, paid = ask.id("userid"), await ask.body(TopUp)
        return await self._store.write(top_up_a_deposit, userid, paid.amount, self._cause(), key=f"user:{userid}")

    async def entries(self, ask: Ask) -> Answer:
        """GET /userDeposits/{userid}/entries."""
        userid, page = ask.id("userid"), ask.page()
        found, total = await storage.entries(self._store, await self._store.read(storage.load, userid), page)
        rows = [EntryResource(e.entryid, e.cause, e.amount, rfc3339(e.at_ms)) for e in found]
        return Answer(200, collection(ENTRIES, f"{ask.base}/userDeposits/{userid}", rows, page, total))

    async def searches(self, ask: Ask) -> Answer:
        """GET /userDeposits/search."""
        return Answer(200, searches(DEPOSITS, ask.base))

    def _cause(self) -> str:
        """What names the movement: the same for the same key."""
        key = acting.get().key
        return key.key if key is not None else self._ids.new()


def _found(ask: Ask, deposit: Deposit) -> Answer:
    return ask.found(DEPOSITS, shown(deposit))


def _created(ask: Ask, deposit: Deposit) -> Answer:
    where = f"{ask.base}/userDeposits/{deposit.userid}"
    return Answer(201, item(DEPOSITS, ask.base, shown(deposit)), {"Location": where})


def shown(deposit: Deposit) -> DepositResource:
    """The deposit as clients see it."""
    return DepositResource(deposit.userid, deposit.balance, deposit.billid, deposit.registered)


def operations(store: Store, ids: Ids, must_expect: bool) -> list[Operation]:
    """The operations of userDeposit. `must_expect`: whoever sets a balance tells the one that was seen."""
    change = ExpectingChange if must_expect else DepositChange
    http, one, base = DepositHttp(store, ids, change), {200: DepositResource}, "/userDeposits"
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
            answer=_created,
            example={"userid": 1, "deposit": 100000},
        ),
        Operation("GET", base + "/search", http.searches, "The searches", PEOPLE),
        Operation(
            "GET", find, http.find, "A rider's deposit", PEOPLE, None, one, "userid", refusals=none, answer=_found
        ),
        Operation("GET", at, http.show, "One deposit", PEOPLE, answers=one, refusals=none, answer=_found),
        *(
            Operation(way, at, http.set, put, ADMINS, change, one, refusals=refused, example=held, answer=_found)
            for way in ("PATCH", "PUT")
        ),
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
            answer=_created,
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
            answer=_created,
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
