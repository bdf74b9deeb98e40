"""Whenever X was said, do Y."""

from msgspec import UNSET

from gbike.contracts.account import AccountErased
from gbike.contracts.bike_manage_app import RiderComplained
from gbike.contracts.rent import RentCancelled, Returned
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx
from gbike.kit.text import tidied
from gbike.services.bike.commands import forget_the_rider, release, take_out_of_service
from gbike.services.bike.domain import Source, Whereabouts


def whenever_returned_free_the_bike(tx: Tx, event: Returned) -> None:
    """R6: the bike is 사용가능 again, at the place where the ride ended; without a place it keeps its last one."""
    accuracy = None if event.accuracy is UNSET else event.accuracy
    measured = None if event.measuredat is UNSET else event.measuredat
    by = Source.PHONE if accuracy is not None and measured is not None else Source.RIDER
    at_ms = event.endtime if measured is None else measured
    told = Whereabouts(tidied(event.endlocation), event.lat, event.lon, accuracy, at_ms=at_ms, by=by)
    release(tx, event.bikeid, event.rentid, event.userid, told)


def whenever_a_rent_is_cancelled_free_the_bike(tx: Tx, event: RentCancelled) -> None:
    """The compensation of R3: a reservation whose rent did not begin is undone, also when it comes later than this."""
    release(tx, event.bikeid, event.rentid, event.userid)


def whenever_a_rider_complained_take_the_bike_out(tx: Tx, event: RiderComplained) -> None:
    """BikeManageApp has judged whether the complaint takes it out. A ride under way goes on."""
    if event.takenout:
        take_out_of_service(tx, event.bikeid, event.complaintid)


def whenever_an_account_is_erased_forget_where_it_left_bikes(tx: Tx, event: AccountErased) -> None:
    """Where a bike stands tells where its last rider was."""
    forget_the_rider(tx, event.userid)


POLICIES: Policies = {
    AccountErased: whenever_an_account_is_erased_forget_where_it_left_bikes,
    Returned: whenever_returned_free_the_bike,
    RiderComplained: whenever_a_rider_complained_take_the_bike_out,
    RentCancelled: whenever_a_rent_is_cancelled_free_the_bike,
}
