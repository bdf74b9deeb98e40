"""One function per sentence of the requirements, each run inside a transaction. `post` is the only way money moves:
both entries and the balance, at once."""

from collections.abc import Sequence

from msgspec import UNSET

from gbike.contracts.user_deposit import AddedDeposit, ChangedStanding
from gbike.kit.auth.principal import OwnerScope
from gbike.kit.clock import latest, rfc3339
from gbike.kit.privacy.erasure import share
from gbike.kit.storage.idempotency import idempotent
from gbike.kit.store import NO_FACTS, Facts, Tx
from gbike.services.user_deposit import domain, storage
from gbike.services.user_deposit.storage import blocks, payments, standings

MINIMUM, STAFF = "minimum", "staff"
"""Why a rider may not begin a ride."""
_MINIMUMS = "rent_minimums"
"""Locked by who adopts one."""


@idempotent
def open_a_deposit(tx: Tx, userid: int, amount: int, reason: str | None = None) -> domain.Deposit:
    """A rider brings money: the deposit that rides are paid from; one that a fee opened is registered now. Who takes it
    may say why. Raises DepositExists, RiderErased."""
    share(tx, [userid])  # the answer, with a block's reason, may be kept under a key
    refuse_erased(tx, userid)
    _ensure(tx, userid)
    if not storage.register(tx, userid):
        raise domain.DepositExists(userid)
    return _add(tx, "deposit opened", domain.opening(userid, amount), _said(reason))


@idempotent
def top_up_a_deposit(tx: Tx, userid: int, amount: int, cause: str, reason: str | None = None) -> domain.Deposit:
    """A rider brings more money; who takes it may say why. Raises NoSuchDeposit, RiderErased, OutOfBounds."""
    share(tx, [userid])  # as above
    refuse_erased(tx, userid)
    storage.load(tx, userid)
    return _add(tx, "deposit topped up", domain.top_up(userid, amount, cause), _said(reason))


def _said(reason: str | None) -> Facts:
    return {"reason": reason} if reason is not None else NO_FACTS


@idempotent
def correct_a_deposit(tx: Tx, userid: int, amount: int, reason: str, cause: str) -> domain.Deposit:
    """An operator corrects a balance by a difference and says why: what came in between stays; also an erased rider's,
    whose last fee may have come late. Raises NoSuchDeposit, OutOfBounds."""
    share(tx, [userid])  # as above
    storage.load(tx, userid)
    return _add(tx, "deposit corrected", domain.correction(userid, amount, cause), {"reason": reason})


@idempotent
def set_a_balance(tx: Tx, userid: int, wanted: int, expected: int | None, cause: str) -> domain.Deposit:
    """An operator sets a balance; the ledger keeps the difference. `expected`: what it is thought to be; None: whatever
    it is. Raises NoSuchDeposit, BalanceChanged, OutOfBounds."""
    share(tx, [userid])  # as above
    standings.lock_deposit(tx, userid)  # the difference is to what it is now, and stays until it is posted
    before = storage.load(tx, userid)
    if expected is not None and before.balance != expected:
        raise domain.BalanceChanged(userid, before.balance)
    if before.balance == wanted:
        return before
    return _add(tx, "deposit adjusted", domain.adjustment(before, wanted, cause))


@idempotent
def begin_a_payment(tx: Tx, wanted: domain.Payment) -> domain.Payment:
    """A rider wants to pay in. Raises TooManyPayments, RiderErased."""
    tx.lock(f"payments:{wanted.userid}")
    refuse_erased(tx, wanted.userid)
    if payments.begun(tx, wanted.userid, tx.now_ms - domain.BEGUN_MS, latest(tx.now_ms, 0)) >= domain.MOST_BEGUN:
        raise domain.TooManyPayments
    payments.add(tx, wanted)
    return wanted


def confirm_a_payment(tx: Tx, known: domain.Payment, amount: int) -> domain.Payment:
    """The provider has the money: it is the rider's, once; said again, it changes nothing. Raises PaymentDiffers,
    OutOfBounds.

    Also for a rider who was erased since it was begun: the provider has the money, and money that is nowhere in the
    books could not be given back."""
    if known.amount != amount:
        raise domain.PaymentDiffers(known.paymentid)
    if payments.mark_paid(tx, known.paymentid):
        _add(tx, "deposit paid in", known.posting())
    return payments.load(tx, known.paymentid, OwnerScope.ALL)


def post_paid(tx: Tx, paymentid: str) -> bool:
    """For `gbike repair`: post a paid payment that is in no ledger; False: there is none. Raises OutOfBounds."""
    tx.lock(f"payment:{paymentid}")
    unposted = payments.paid_and_unposted(tx, paymentid)
    if unposted is not None:
        _add(tx, "deposit paid in", unposted.posting())
    return unposted is not None


def refuse_erased(tx: Tx, userid: int) -> None:
    """Raises RiderErased. Who is erased just now may still get through: it is heard of late anyway, and money that came
    in is posted."""
    if storage.is_erased(tx, userid):
        raise domain.RiderErased(userid)


def post(tx: Tx, posting: domain.Posting, billid: int | None = None) -> domain.Deposit | None:
    """Move the money of one posting, once, and tell the rider's standing where it changes; None when its cause moved it
    before. Raises PostingDiffers.

    What was said has happened, so a fee or a conversion is posted whatever the balance is then; see `_add`.
    """
    if not storage.enter(tx, posting):
        if not storage.is_entered(tx, posting):
            raise domain.PostingDiffers(posting.cause)
        return None
    moved = storage.move(tx, posting, billid)
    if moved is None:  # the rider's first money
        _ensure(tx, posting.userid)
        moved = storage.move(tx, posting, billid)
    assert moved is not None
    deposit, minimum = moved
    if domain.missing_krw(deposit.balance, minimum) != domain.missing_krw(deposit.balance - posting.amount, minimum):
        tell_standing(tx, posting.userid)
    elif deposit.version == 1:
        know_rider(tx, posting.userid)
    return deposit


def say_added(tx: Tx, posting: domain.Posting, deposit: domain.Deposit) -> None:
    """A posting has moved a rider's money, and it was no fee."""
    tx.publish(
        AddedDeposit(
            userid=posting.userid,
            deposit=deposit.balance,
            billid=deposit.billid,
            amount=posting.amount,
            cause=posting.cause,
            version=deposit.version,
        )
    )


def know_rider(tx: Tx, userid: int) -> None:
    """A rider who is new: told of at once where there is a minimum; else only noted, for the day when there is one."""
    _lock_standing(tx, userid)
    minimum = standings.newest_minimum(tx)
    if minimum is None or not minimum[1]:
        standings.add(tx, userid, minimum[1] if minimum else -1)
    elif not standings.is_known(tx, userid):
        tell_standing(tx, userid)


def tell_standing(tx: Tx, userid: int) -> None:
    """Say how a rider stands now, under the standing's next version."""
    _lock_standing(tx, userid)
    # Before the balance is read: of two that tell at once the second waits, and then sees what the first saw or
    # something newer. So the newest version has the newest balance.
    version = standings.next_version(tx, userid)
    _, minimum = standings.newest_minimum(tx) or (0, 0)
    balance, depositversion = storage.balance(tx, userid)
    missing, block = domain.missing_krw(balance, minimum), blocks.find(tx, userid)
    until_ms = block.until_ms if block else None
    standings.keep(tx, userid, standings.Judged(minimum, missing, version if block else 0, until_ms))
    reasons = (*((STAFF,) if block else ()), *((MINIMUM,) if missing else ()))
    tx.publish(
        ChangedStanding(
            userid=userid,
            mayrent=not reasons,
            reasons=reasons,
            version=version,
            missing_krw=missing,
            deposit=balance,
            depositversion=depositversion,
            blockeduntil=UNSET if until_ms is None else until_ms,
        )
    )


def tell_standings(tx: Tx, riders: Sequence[int]) -> None:
    """The same for several. Another replica may tell the same ones: the later version says the same."""
    for userid in riders:
        tell_standing(tx, userid)


@idempotent
def block_a_rider(tx: Tx, userid: int, reason: str, until_ms: int | None) -> domain.Deposit:
    """An operator keeps a rider from beginning a ride and says why, also one who has no money yet; a ride that is under
    way goes on. Said again, it is the same block with another reason and end. Raises UntilPassed, RiderErased."""
    if until_ms is not None and until_ms <= tx.now_ms:
        raise domain.UntilPassed(userid)
    share(tx, [userid])  # the reason is about this person
    refuse_erased(tx, userid)
    _judge_alone(tx, userid)
    _ensure(tx, userid)
    before = blocks.find(tx, userid)
    blocks.put(tx, userid, reason, until_ms)
    tell_standing(tx, userid)
    tx.audit("rider blocked", f"user:{userid}", _of_block(before), _of_block(blocks.find(tx, userid)))
    return storage.load(tx, userid)


@idempotent
def end_a_block(tx: Tx, userid: int, reason: str | None) -> domain.Deposit:
    """An operator lets a rider begin rides again; one who is not blocked stays as they are. Raises NoSuchDeposit."""
    _judge_alone(tx, userid)
    before = blocks.find(tx, userid)
    if blocks.end(tx, userid):
        tell_standing(tx, userid)
        tx.audit("block ended", f"user:{userid}", _of_block(before), {"blocked": False, "reason": reason})
    return storage.load(tx, userid)


def end_lapsed_blocks(tx: Tx, riders: Sequence[int]) -> None:
    """What ends by itself is over: one that was prolonged since it was looked for stays."""
    for userid in sorted(riders):  # as all who judge several: two never wait for each other
        _judge_alone(tx, userid)
        if blocks.end_lapsed(tx, userid, tx.now_ms):
            tell_standing(tx, userid)
            tx.audit("block ended", f"user:{userid}", {"blocked": True}, {"blocked": False, "reason": "its time is up"})


def _of_block(block: domain.Block | None) -> Facts:
    if block is None:
        return {"blocked": False}
    until = None if block.until_ms is None else rfc3339(block.until_ms)
    return {"blocked": True, "reason": block.reason, "until": until}


def adopt_minimum(tx: Tx, krw: int) -> None:
    """Make it the balance that a rider needs to begin a ride, unless it is that already."""
    tx.lock(_MINIMUMS)
    version, newest = standings.newest_minimum(tx) or (0, None)
    if newest != krw:
        standings.add_minimum(tx, version + 1, krw)


def _ensure(tx: Tx, userid: int) -> None:
    if storage.add(tx, userid):
        tx.count("deposits")


def _lock_standing(tx: Tx, userid: int) -> None:
    """Of a rider who is new there is no row to lock: one whose account and first money come at once is told of once."""
    standings.lock_deposit(tx, userid)
    tx.lock(f"standing:{userid}")


def _judge_alone(tx: Tx, userid: int) -> None:
    """The same while no other minimum is adopted: what is answered and what is told are judged by one."""
    tx.share([_MINIMUMS])
    _lock_standing(tx, userid)


def _add(tx: Tx, action: str, posting: domain.Posting, facts: Facts = NO_FACTS) -> domain.Deposit:
    """Move money once, say so and put it on record, with more `facts`. What a client asks for must fit: it can be
    refused. Raises OutOfBounds."""
    tx.share([_MINIMUMS])  # as in _judge_alone
    deposit = post(tx, posting)
    if deposit is None:
        return storage.load(tx, posting.userid, OwnerScope.ALL)
    domain.within_bounds(posting.userid, deposit.balance)
    say_added(tx, posting, deposit)
    before = {"deposit": deposit.balance - posting.amount}
    after = {"deposit": deposit.balance, "cause": posting.cause, **facts}
    tx.audit(action, f"user:{posting.userid}", before, after)
    return storage.load(tx, posting.userid, OwnerScope.ALL)
