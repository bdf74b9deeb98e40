"""Rents: 1, 2 and 4 of rider 3 are pending (1 past its deadline, 4 with a key), 3 is open; two may be open at once."""

from gbike.app.republish import _on_record
from gbike.contracts.account import AccountErased
from gbike.contracts.events import EVENTS
from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.access.principal import EVERYBODYS
from gbike.kit.dead_letters import drop, set_aside
from gbike.kit.housekeeping import FLOOR
from gbike.kit.outbox import publish_again
from gbike.kit.republish import _remember, _wait_again
from gbike.services.rent.domain import PendingRent, Place
from gbike.services.rent.policies import POLICIES
from gbike.services.rent.storage import (
    TRIES_KEPT,
    begin,
    cancel,
    ended_by_admin,
    open_rent,
    places_kept,
    returned,
    sweep,
)
from tests.concurrency.house import Hears, House, do, floor, key_of, message, once, sql, write
from tests.concurrency.stepping import NOW

USER, MOST_OPEN = 3, 2
HEARS = Hears(POLICIES)
LATE, WISH, OPEN, KEYED = (PendingRent(number, USER, 100 + number) for number in (1, 2, 3, 4))
HOME = Place("집", 37.1234, 127.1234)


def standing(version: int, *, mayrent: bool) -> ChangedStanding:
    return ChangedStanding(userid=USER, mayrent=mayrent, reasons=() if mayrent else ("minimum",), version=version)


HOUSE = House(
    "rent",
    setup=(
        do(begin, USER, LATE.bikeid, -1, None),
        do(begin, USER, WISH.bikeid, 10_000, None),
        do(begin, USER, OPEN.bikeid, 10_000, None),
        do(begin, USER, KEYED.bikeid, -1, key_of("four")),
        do(open_rent, OPEN, MOST_OPEN, None),
        do(set_aside, message(AccountErased(userid=5), "letter"), "a reason", EVENTS),
        sql("UPDATE outbox SET message_id = 'rented', published_ms = CAST(? AS BIGINT)", NOW),
    ),
    cases=(
        write("begin", begin, USER, 105, 10_000, None, key="user:3"),
        write("begin with a key", begin, USER, 105, 10_000, key_of("new"), key="user:3"),
        write("begin with a held key", begin, USER, 104, 10_000, key_of("four"), key="user:3"),
        write("open", open_rent, WISH, MOST_OPEN, None, key="user:3"),
        write("open a late one", open_rent, LATE, MOST_OPEN, None, key="user:3"),
        write("open with a key", open_rent, KEYED, MOST_OPEN, key_of("four"), key="user:3"),
        write("cancel", cancel, WISH.rentid, "TimedOut", True, key="user:3"),
        write("cancel with a key", cancel, KEYED.rentid, "TimedOut", True, key="user:3"),
        once("return", returned, OPEN.rentid, HOME, EVERYBODYS, key="rent:3"),
        once("return with a key", returned, OPEN.rentid, HOME, EVERYBODYS, key="rent:3", id="back"),
        once("end", ended_by_admin, OPEN.rentid, NOW, "found standing", key="rent:3"),
        write("begin within the limit", begin, USER, 106, 10_000, None, MOST_OPEN, key="user:3"),
        write("sweep", sweep, 10, 10_000),
        HEARS.case("blocked", standing(1, mayrent=False)),
        HEARS.case("unblocked", standing(2, mayrent=True)),
        write("drop", drop, "letter", "it will never be handled", {}),
        write("publish all again", _wait_again, 1, 10, 0),
        write("remember the log", _remember, "the new one", again=("another",)),
        write("record that all is published again", _on_record, 0, 1),
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
            " NULL OR lat IS NOT NULL OR lon IS NOT NULL)",
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
            "I21 a rent began or ended without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM rents WHERE status = 'returned') AS ended, (SELECT"
            " count(*) FROM outbox WHERE type = 'Returned') AS said) AS both_ WHERE ended <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
    ),
)
