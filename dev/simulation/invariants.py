"""The invariants, checked over the nodes' databases. Those marked † hold at every instant and are checked on the way.

What must hold of a single change (who may follow whom) is watched by triggers in the databases themselves: they see
every change, write down what must not be, and alter nothing. The numbers are those of docs/guide/reliability.md.
"""

from collections.abc import Iterator, Mapping

import apsw

from gbike.kit.store import Reading

_WATCHED = {
    "rent": (
        (
            "I4 a rent went from one state to another that may not follow it",
            "UPDATE OF status ON main.rents WHEN OLD.status <> NEW.status AND NOT"
            " (OLD.status = 'pending' AND NEW.status IN ('rented', 'cancelled')"
            "  OR OLD.status = 'rented' AND NEW.status = 'returned')",
            "NEW.rentid || ': ' || OLD.status || ' to ' || NEW.status",
        ),
        (
            "I4 a rent that is over was changed",
            "UPDATE ON main.rents WHEN OLD.status IN ('returned', 'cancelled') AND NOT"
            " ((NEW.status, NEW.bikeid, NEW.started_ms, NEW.ended_ms) IS"
            "  (OLD.status, OLD.bikeid, OLD.started_ms, OLD.ended_ms) AND coalesce(NEW.endlocation, NEW.lat) IS NULL"
            "  AND EXISTS (SELECT 1 FROM main.erased WHERE userid = NEW.userid))",
            "NEW.rentid",
        ),
        (
            "I1 a bike has two open rents",
            "UPDATE OF status ON main.rents WHEN NEW.status = 'rented' AND"
            " (SELECT count(*) FROM rents WHERE bikeid = NEW.bikeid AND status = 'rented') > 1",
            "NEW.bikeid",
        ),
        (
            "I24 a rider who may not rent began a ride",
            "UPDATE OF status ON main.rents WHEN NEW.status = 'rented' AND EXISTS (SELECT 1 FROM main.standings s"
            " WHERE s.userid = NEW.userid AND NOT s.mayrent AND coalesce(s.blockeduntil_ms > NEW.started_ms, 1))",
            "NEW.rentid || ' of rider ' || NEW.userid",
        ),
    ),
    "bike": (
        (
            "I3 a bike that is ridden, out of service or retired was reserved",
            "UPDATE OF rentid ON main.bikes WHEN NEW.rentid IS NOT NULL AND (OLD.rentid IS NOT NULL"
            " AND OLD.rentid <> NEW.rentid OR OLD.rentid IS NULL AND (OLD.held + OLD.broken + OLD.retired > 0))",
            "NEW.bikeid || ' for rent ' || NEW.rentid",
        ),
        (
            "I4 a bike was given to a rent that is over",
            "UPDATE OF rentid ON main.bikes WHEN NEW.rentid IN (SELECT rentid FROM tombstones)",
            "NEW.bikeid || ' for rent ' || NEW.rentid",
        ),
    ),
    "billing": (
        (
            "I8 a bill went back",
            "UPDATE ON main.bills WHEN OLD.status <> NEW.status AND OLD.status || NEW.status NOT IN"
            " ('OPENBILLAPPLYFEE', 'APPLYFEECLOSEBILL') OR OLD.fee IS NOT NULL AND OLD.fee <> NEW.fee",
            "NEW.billid || ': ' || OLD.status || ' to ' || NEW.status",
        ),
        (
            "I27 more is given back than the fee, or less than before",
            "UPDATE OF refunded ON main.bills WHEN NEW.refunded > coalesce(NEW.fee, 0) OR NEW.refunded < OLD.refunded",
            "NEW.billid || ': ' || NEW.refunded || ' of ' || coalesce(NEW.fee, 'nothing')",
        ),
        (
            "I9 a fee is negative, or a ride ends before it starts",
            "UPDATE ON main.bills WHEN NEW.fee < 0 OR NEW.ended_ms < NEW.started_ms",
            "NEW.billid",
        ),
    ),
    "user_deposit": (
        ("I11 an entry was deleted", "DELETE ON main.entries", "OLD.cause"),
        ("I11 an entry was changed", "UPDATE ON main.entries", "OLD.cause"),
    ),
    "bike_manage_app": (
        (
            "I16 a report that was decided was decided again",
            "UPDATE OF status ON main.reports WHEN OLD.status <> 'pending'",
            "NEW.reportid",
        ),
    ),
    "bike_manager": (
        ("I15 points are negative", "UPDATE OF points ON main.managers WHEN NEW.points < 0", "NEW.managerid"),
        ("I15 an entry was changed", "UPDATE ON main.point_entries", "OLD.cause"),
    ),
}
_LOOKS = {
    "rent": (
        (
            "I21 a rent began or ended without saying so, or said so twice",
            "SELECT (SELECT count(*) FROM rents WHERE status IN ('rented', 'returned')) a,"
            " (SELECT count(*) FROM outbox WHERE type = 'Rented') b,"
            " (SELECT count(*) FROM rents WHERE status = 'returned') c,"
            " (SELECT count(*) FROM outbox WHERE type = 'Returned') d WHERE a <> b OR c <> d",
        ),
    ),
    "bike": (
        (
            "I1 a rent rides two bikes",
            "SELECT rentid FROM bikes WHERE rentid IS NOT NULL GROUP BY rentid HAVING count(*) > 1",
        ),
        (
            "I26 a bike is held by others than its row says",
            "SELECT bikeid, held, due_ms FROM bikes WHERE held <> (SELECT count(*) FROM holds h WHERE h.bikeid ="
            " bikes.bikeid)",
        ),
    ),
    "billing": (
        (
            "I21 a bill moved without saying so, or said so twice",
            "SELECT (SELECT count(*) FROM bills) a, (SELECT count(*) FROM outbox WHERE type = 'RegisteredBill') b,"
            " (SELECT count(*) FROM bills WHERE fee IS NOT NULL) c,"
            " (SELECT count(*) FROM outbox WHERE type = 'CalculatedFee') d WHERE a <> b OR c <> d",
        ),
        (
            "I27 what a bill says was given back is not its corrections' sum",
            "SELECT billid, refunded FROM bills WHERE refunded <>"
            " (SELECT coalesce(sum(amount), 0) FROM corrections c WHERE c.billid = bills.billid)",
        ),
        (
            "I21 a bill was corrected without saying so, or said so twice",
            "SELECT (SELECT count(*) FROM corrections) a,"
            " (SELECT count(*) FROM outbox WHERE type = 'CorrectedBill') b WHERE a <> b",
        ),
    ),
    "user_deposit": (
        (
            "I11 a posting has not two sides that add up to nothing",
            "SELECT cause FROM entries GROUP BY cause HAVING sum(amount) <> 0 OR count(*) <> 2",
        ),
        (
            "I12 a balance is not its entries' sum",
            "SELECT userid, balance FROM deposits WHERE balance <>"
            " (SELECT coalesce(sum(amount), 0) FROM entries WHERE account = 'user:' || userid)",
        ),
        (
            "I21 money moved without saying so, or said so twice",
            "SELECT (SELECT count(*) FROM entries WHERE account LIKE 'user:%') a,"
            " (SELECT count(*) FROM outbox WHERE type IN ('UpdatedDeposit', 'AddedDeposit', 'RefundedFee')) b"
            " WHERE a <> b",
        ),
        (
            "I28 a correction was posted twice",
            "SELECT CAST(substr(cause, 16) AS INTEGER) FROM entries WHERE cause LIKE 'billCorrection:%'"
            " AND account LIKE 'user:%' GROUP BY 1 HAVING count(*) > 1",
        ),
        (
            "the reason of an erased rider's block is kept",
            "SELECT userid FROM blocks WHERE reason IS NOT NULL AND userid IN (SELECT userid FROM erased)",
        ),
    ),
    "bike_manage_app": (
        (
            "I21 a report was applied without saying so, or said so twice",
            "SELECT (SELECT count(*) FROM reports WHERE status = 'applied') a,"
            " (SELECT count(*) FROM outbox WHERE type = 'Reported') b WHERE a <> b",
        ),
        (
            "I21 a complaint was taken without saying so, or said so twice",
            "SELECT (SELECT count(*) FROM complaints) a,"
            " (SELECT count(*) FROM outbox WHERE type = 'RiderComplained') b WHERE a <> b",
        ),
        (
            "the words of an erased rider's complaint are kept",
            "SELECT complaintid FROM complaints WHERE words IS NOT NULL AND userid IN (SELECT userid FROM erased)",
        ),
    ),
    "bike_manager": (
        (
            "I15 points are not their entries' sum, or negative",
            "SELECT managerid, points FROM managers m WHERE points < 0 OR points <>"
            " (SELECT coalesce(sum(amount), 0) FROM point_entries e WHERE e.managerid = m.managerid)",
        ),
    ),
}


_MOVE = (
    "NEW.bikeid, NEW.version, NEW.location, NEW.lat, NEW.lon, NEW.stale,"
    " (SELECT json_group_object(key, json_array(lat, lon)) FROM main.places WHERE lat IS NOT NULL),"
    " (SELECT json_group_array(userid) FROM main.erased)"
)
_FOLLOW = (
    "CREATE TEMP TABLE moved (bikeid, version, location, lat, lon, stale, places, erased, left_by, point_of)",
    "CREATE TEMP TRIGGER follow_new AFTER INSERT ON main.bikes"
    f" BEGIN INSERT INTO moved SELECT {_MOVE}, NULL, NULL; END",
    "CREATE TEMP TRIGGER follow_moved AFTER UPDATE ON main.bikes WHEN NEW.version <> OLD.version"
    f" BEGIN INSERT INTO moved SELECT {_MOVE}, OLD.left_by, OLD.point_of; END",
)
"""Every change of a bike, with the places and the erased riders that were known then (whereabouts)."""


class Violation(Exception):
    """An invariant does not hold; the text begins with its number."""


def watch(connection: apsw.Connection, service: str) -> None:
    """Write down every change of `service` that must not be, from now on."""
    connection.execute("CREATE TEMP TABLE seen_wrong (what TEXT)")
    for number, (rule, event, facts) in enumerate(_WATCHED.get(service, ())):
        connection.execute(
            f"CREATE TEMP TRIGGER watch_{number} AFTER {event}"
            f" BEGIN INSERT INTO seen_wrong VALUES ('{rule.replace(chr(39), chr(39) * 2)}: ' || ({facts})); END"
        )
    if service == "bike":
        for statement in _FOLLOW:
            connection.execute(statement)


def wrong_now(service: str, reading: Reading, most_open: int) -> Iterator[str]:
    """† of one service: what its triggers saw, and what its tables say of themselves."""
    for (what,) in reading.all("SELECT what FROM temp.seen_wrong"):
        yield what
    for rule, sql in _LOOKS.get(service, ()):
        for row in reading.all(sql):
            yield f"{rule}: {row}"
    for row in reading.all("SELECT type, reason FROM dead_letters LIMIT 3"):
        yield f"I22 a message was set aside: {row}"
    if service == "rent" and most_open:
        sql = "SELECT userid, count(*) FROM rents WHERE status = 'rented' GROUP BY userid HAVING count(*) > ?"
        for row in reading.all(sql, (most_open,)):
            yield f"I5 a rider has more open rents than allowed: {row}"


def wrong_with_the_log(readings: Mapping[str, Reading], log: Reading) -> Iterator[str]:
    """At rest. I21: what each outbox holds is in the log, and nothing else is. L4: no key is held for ever."""
    for name, reading in readings.items():
        for (key,) in reading.all("SELECT key FROM idempotency WHERE status IS NULL"):
            yield f"L4 {name} holds the key {key} for a request that nobody works on"
    published = {
        row[0]: name for name, reading in readings.items() for row in reading.all("SELECT message_id FROM outbox")
    }
    logged = {row[0] for row in log.all("SELECT message_id FROM log")}
    for message_id, name in published.items():
        if message_id not in logged:
            yield f"I21 {message_id} of {name} never reached the log"
    for (message_id,) in log.all("SELECT message_id FROM log"):
        if message_id not in published:
            yield f"I21 {message_id} is in the log but nobody said it"
