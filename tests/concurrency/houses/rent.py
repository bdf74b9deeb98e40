"""Rents: 1, 2 and 4 of rider 3 are pending (1 past its deadline, 4 with a key), 3 is open; two may be open at once."""

from gbike.contracts.account import AccountErased
from gbike.contracts.events import EVENTS
from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.http import exports, looks
from gbike.kit.messaging.dead_letters import drop, set_aside
from gbike.kit.messaging.outbox import publish_again
from gbike.kit.messaging.republish import _remember, _wait_again
from gbike.kit.storage.retention import FLOOR
from gbike.run.store_verbs import _on_record
from gbike.services.rent.commands import (
    ask_for_a_bike,
    end_the_ride,
    give_up_the_wish,
    remind,
    return_the_bike,
    start_the_rent,
    sweep,
    void_the_ride,
)
from gbike.services.rent.domain import Began, Handback, Limits, Location, PendingRent
from gbike.services.rent.policies import POLICIES
from gbike.services.rent.storage import TRIES_KEPT, places_kept
from tests.concurrency.house import Hears, House, do, floor, message, sql, write
from tests.concurrency.stepping import NOW

USER, MOST_OPEN = 3, 2
HEARS = Hears(POLICIES)
LATE, WISH, OPEN, KEYED = (PendingRent(number, USER, 100 + number) for number in (1, 2, 3, 4))
HOME = Handback(Location("집", 37.1234, 127.1234))
BEGAN = Began("집", 37.1234, 127.1234)
NOWHERE = Handback(Location("집 37.1234", 0.0, 0.0, 12.5, NOW))
"""No position, which is said (kit/positions.py)."""
ANY, PAST = Limits(10_000), Limits(-1)
LIMITED = Limits(10_000, most_open=MOST_OPEN)


def standing(version: int, *, mayrent: bool) -> ChangedStanding:
    return ChangedStanding(userid=USER, mayrent=mayrent, reasons=() if mayrent else ("minimum",), version=version)


HOUSE = House(
    "rent",
    setup=(
        do(ask_for_a_bike, USER, LATE.bikeid, PAST),
        do(ask_for_a_bike, USER, WISH.bikeid, ANY),
        do(ask_for_a_bike, USER, OPEN.bikeid, ANY),
        do(ask_for_a_bike, USER, KEYED.bikeid, PAST, id="four"),
        do(start_the_rent, OPEN, LIMITED, BEGAN),
        do(set_aside, message(AccountErased(userid=5), "letter"), "a reason", EVENTS),
        sql("UPDATE outbox SET message_id = 'rented', published_ms = CAST(? AS BIGINT)", NOW),
    ),
    cases=(
        write("begin", ask_for_a_bike, USER, 105, ANY, key="user:3"),
        write("begin with a key", ask_for_a_bike, USER, 105, ANY, key="user:3", id="new"),
        write("begin with a held key", ask_for_a_bike, USER, 104, ANY, key="user:3", id="four"),
        write("open", start_the_rent, WISH, LIMITED, BEGAN, key="user:3"),
        write("open a late one", start_the_rent, LATE, LIMITED, key="user:3"),
        write("open with a key", start_the_rent, KEYED, LIMITED, key="user:3", id="four"),
        write("cancel", give_up_the_wish, WISH.rentid, "TimedOut", True, key="user:3"),
        write("cancel with a key", give_up_the_wish, KEYED.rentid, "TimedOut", True, key="user:3"),
        write("return", return_the_bike, OPEN.rentid, HOME, ANY, key="rent:3"),
        write("return without a position", return_the_bike, OPEN.rentid, NOWHERE, ANY, key="rent:3"),
        write("return without a position, with a key", return_the_bike, OPEN.rentid, NOWHERE, ANY, id="nowhere"),
        write("return with a key", return_the_bike, OPEN.rentid, HOME, ANY, key="rent:3", id="back"),
        write("end", end_the_ride, OPEN.rentid, NOW, "found standing", key="rent:3"),
        write("void", void_the_ride, OPEN.rentid, "it would not unlock", key="rent:3"),
        write("void with a key", void_the_ride, OPEN.rentid, "it would not unlock", key="rent:3", id="void"),
        write("remind", remind, 10, -1),
        write("begin within the limit", ask_for_a_bike, USER, 106, LIMITED, key="user:3"),
        write("sweep", sweep, 10, ANY),
        HEARS.case("blocked", standing(1, mayrent=False)),
        HEARS.case("unblocked", standing(2, mayrent=True)),
        HEARS.case(
            "blocked by an operator",
            ChangedStanding(userid=USER, mayrent=False, reasons=("staff",), version=3, blockeduntil=NOW + 9_000),
        ),
        write("drop", drop, "letter", "it will never be handled", {}),
        write("publish all again", _wait_again, 1, 10, 0),
        write("remember the log", _remember, "the new one", again=("another",)),
        write("record that all is published again", _on_record, 0, 1),
        write("record that a list is taken", exports._on_record, "/rents", ["userid"]),
        write("record a look", looks._put_on_record, "user:3", "rides"),
        write("publish again", publish_again, "rented"),
        HEARS.case("erased", AccountErased(userid=USER)),
        *floor((*FLOOR, places_kept(30), TRIES_KEPT), HEARS, AccountErased(userid=4)),
    ),
    looks=(
        (
            "I5 a rider has more open rents than allowed",
            f"SELECT userid FROM rents WHERE status = 'rented' GROUP BY userid HAVING count(*) > {MOST_OPEN}",
        ),
        (
            "a place of an erased rider is kept",
            "SELECT rentid FROM rents WHERE userid IN (SELECT userid FROM erased) AND (endlocation IS NOT"
            " NULL OR lat IS NOT NULL OR lon IS NOT NULL OR began_at IS NOT NULL OR began_lat IS NOT NULL)",
        ),
        (
            "a message or an answer tells of a place of an erased rider",
            "SELECT value FROM (SELECT value FROM outbox UNION ALL SELECT content FROM idempotency) AS said"
            " WHERE EXISTS (SELECT 1 FROM erased WHERE userid = 3) AND instr(value, '37.1234') > 0",
        ),
        (
            "count",
            "SELECT status, count(*) FROM rents WHERE status <> 'pending' GROUP BY status HAVING count(*) <>"
            " (SELECT coalesce(sum(n), 0) FROM counters WHERE name = status)",
        ),
        (
            "a ride's rider was reminded twice, or of a ride of which nothing is kept",
            "SELECT rentid, reminded, said FROM (SELECT rentid, reminded, (SELECT count(*) FROM outbox WHERE type ="
            " 'RideOverdue' AND key = 'rent:' || rents.rentid) AS said FROM rents) AS each_ WHERE said <> reminded",
        ),
        (
            "I21 a rent began or ended without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM rents WHERE status = 'returned') AS ended, (SELECT"
            " count(*) FROM outbox WHERE type = 'Returned') AS said) AS both_ WHERE ended <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
    ),
)
