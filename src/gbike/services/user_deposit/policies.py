"""Whenever X was said, do Y. A posting's cause comes from what was said, so saying it twice moves nothing twice."""

from gbike.contracts.account import AccountErased, RegisteredAccount
from gbike.contracts.bike_manager import AdjustedPoint
from gbike.contracts.billing import CalculatedFee, CorrectedBill
from gbike.contracts.events import EVENTS
from gbike.contracts.user_deposit import RefundedFee, UpdatedDeposit
from gbike.kit.messaging.inbox import Policies
from gbike.kit.privacy.erasure import remember, take_out
from gbike.kit.store import Tx
from gbike.services.user_deposit import domain
from gbike.services.user_deposit.commands import know_rider, post, say_added
from gbike.services.user_deposit.storage import blocks


def whenever_a_fee_is_known_take_it(tx: Tx, event: CalculatedFee) -> None:
    """R7: the fee is taken from the rider's deposit; a rider without one gets it now, so that the bill can close."""
    deposit = post(tx, domain.fee(event.userid, event.billid, event.fee, rentid=event.rentid), billid=event.billid)
    if deposit is not None:
        tx.publish(
            UpdatedDeposit(
                userid=event.userid,
                deposit=deposit.balance,
                billid=event.billid,
                fee=event.fee,
                version=deposit.version,
            )
        )


def whenever_a_bill_is_corrected_give_it_back(tx: Tx, event: CorrectedBill) -> None:
    """What a correction gives back of a fee is the rider's, also before the fee itself is taken, and when they were
    erased since: it is their money."""
    deposit = post(tx, domain.refund(event.userid, event.correctionid, event.amount, rentid=event.rentid))
    if deposit is not None:
        tx.publish(
            RefundedFee(
                userid=event.userid,
                deposit=deposit.balance,
                billid=event.billid,
                rentid=event.rentid,
                correctionid=event.correctionid,
                amount=event.amount,
                version=deposit.version,
            )
        )


def whenever_points_are_converted_add_them(tx: Tx, event: AdjustedPoint) -> None:
    """R12: converted points become deposit. Points that were only earned move no money (flaw 35)."""
    if event.conversion is None or not event.adjustpoint:
        return
    posting = domain.conversion(event.userid, event.adjustpoint, event.conversion)
    deposit = post(tx, posting)
    if deposit is not None:
        say_added(tx, posting, deposit)


def whenever_an_account_is_registered_tell_its_standing(tx: Tx, event: RegisteredAccount) -> None:
    """Where riders need a balance, one without any is told of before the first ride."""
    know_rider(tx, event.userid)


def whenever_an_account_is_erased_take_nothing_in_any_more(tx: Tx, event: AccountErased) -> None:
    """The ledger stays, for the books. Nothing is paid in any more; a fee that comes late is still taken. Why they were
    blocked is forgotten."""
    remember(tx, event.userid)
    blocks.forget_reason(tx, event.userid)
    take_out(tx, ("userid",), [event.userid], EVENTS, also=("blocked",))


POLICIES: Policies = {
    AccountErased: whenever_an_account_is_erased_take_nothing_in_any_more,
    CalculatedFee: whenever_a_fee_is_known_take_it,
    CorrectedBill: whenever_a_bill_is_corrected_give_it_back,
    AdjustedPoint: whenever_points_are_converted_add_them,
    RegisteredAccount: whenever_an_account_is_registered_tell_its_standing,
}
