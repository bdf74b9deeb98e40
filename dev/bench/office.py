"""What an operator finds beside rides that are over: rides under way, holds, debts, blocks, accounts, staff with their
points, and years of audit, put in bulk into a data folder that `fill` has filled.

`python -m dev.bench.office FOLDER BIKES RIDES RIDERS` fills one. What was said of all this is not there, so that
`gbike verify` would ask for it.
"""

import sqlite3  # noqa: TID251 - its files are no store that this process has open
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from dev.bench.fill import fill, in_bulk
from gbike.kit.audit.chain import COLUMNS
from gbike.kit.audit.rows import GENESIS, Deed, Row, chained
from gbike.kit.text import natural
from gbike.run.folder.data_folder import DataFolder
from gbike.services.account.storage.names import parts

HOUR_MS = 3_600_000
STAFF = 50
"""Accounts that are more than riders'; account 1 is busy: half of all deeds are theirs."""
RARE = "ride voided"
"""One deed of ten thousand, all of them by account 1."""
AUDIT = 1_000_000
"""Rows of rent's audit; every other service has a hundredth."""
RIDING = 5
"""Of so many bikes one is under way, by the bikes' numbers; of twenty of those rides one is overdue."""
_FAMILY, _GIVEN = "김이박최정강조윤장임", "민서도윤하준지우서연예은시현수아지호유진"


def furnish(folder: Path, bikes: int, rides: int, riders: int, audit: int = AUDIT) -> float:
    """Put all of it into the stores of a filled folder; answers the seconds that took."""
    began, now_ms = time.monotonic(), time.time_ns() // 1_000_000
    stores = DataFolder(folder)
    told = {"bikes": bikes, "riding": bikes // RIDING, "rides": rides, "riders": riders, "now": now_ms, "staff": STAFF}
    for service, statements in _ROWS.items():
        with closing(in_bulk(stores.store_path(service))) as store:
            store.create_function("name_of", 1, name_of)
            store.create_function("sorts_as", 1, natural)
            store.execute("BEGIN")
            for statement in statements:
                store.execute(statement, {name: told[name] for name in told if f":{name}" in statement})
            if service == "account":
                named = ((part, userid) for userid in range(1, riders + 1) for part in parts(name_of(userid)))
                store.executemany("INSERT INTO name_parts (part, userid) VALUES (?, ?)", named)
            _audit(store, audit if service == "rent" else audit // 100, riders, now_ms)
            store.execute("COMMIT")
    return time.monotonic() - began


def name_of(userid: int) -> str:
    """How an account is called."""
    return _FAMILY[userid % 10] + _GIVEN[userid * 7 % 19] + _GIVEN[userid * 3 // 19 % 19]


def _audit(store: sqlite3.Connection, rows: int, riders: int, now_ms: int) -> None:
    """A chain of deeds, one each half minute. Its indexes are made once it is there: that is a third of the time."""
    indexes = store.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'audit' AND type = 'index'"
    ).fetchall()
    for name, _ in indexes:
        store.execute(f"DROP INDEX {name}")
    store.executemany(
        f"INSERT INTO audit ({COLUMNS}) VALUES ({', '.join('?' * 12)})",
        (row.values for row in _deeds(rows, riders, now_ms)),
    )
    for _, sql in indexes:
        store.execute(sql)
    store.execute(
        "UPDATE audit_head SET (number, hash) = (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)"
    )


def _deeds(rows: int, riders: int, now_ms: int) -> Iterator[Row]:
    number, digest = 0, GENESIS
    for n in range(rows):
        who = str(1 if n % 2 else 2 + n // 2 % (STAFF - 1))
        action = RARE if n % 10_000 == 1 else "ride ended" if n % 10 == 1 else "looked at"
        of = f"user:{1 + n * 7919 % riders}"
        at_ms = now_ms - (rows - n) * 30_000
        told = Deed(
            at_ms=at_ms,
            who=who,
            roles="admin",
            mode="secure",
            action=action,
            subject=of,
            before="{}",
            after='{"what":"rides"}',
            trace_id="0" * 32,
        )
        [row] = chained([told], number, digest)
        number, digest = row.number, row.hash
        yield row


def _each(most: str) -> str:
    return f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :{most})"


_PLACE = "'정자역_' || (bikeid % (:bikes / 5)) || '번_대여소'"
_BEGUN = f":now - CASE WHEN n % 20 = 0 THEN {3 * HOUR_MS} ELSE {HOUR_MS // 2} END - (:riding - n) * 10"
_CONTACT = "'rider' || n || '@example.org'"
_ROLES = "CASE WHEN n > :staff THEN 'rider' WHEN n % 5 = 1 THEN 'admin,rider' ELSE 'bikeManager,rider' END"
_OWES = "userid % 100 = 7"
_ROWS: dict[str, tuple[str, ...]] = {
    "bike": (
        f"{_each('riding')} UPDATE bikes SET rentid = :rides + bikeid WHERE bikeid IN (SELECT n FROM numbers)",
        "UPDATE bikes SET label = 'GB-' || bikeid, batterylevel = bikeid % 101, seen_ms = :now - bikeid * 1000,"
        f" location = {_PLACE}, place_sort = sorts_as({_PLACE}), lat = 37.3 + bikeid % 997 / 9e3,"
        " lon = 127.1 + bikeid % 991 / 9e3",
        "INSERT INTO places (key, name, sort, lat, lon, learned_by, at_ms) SELECT DISTINCT replace(location, '_', ' '),"
        " location, place_sort, 37.4, 127.2, 'staff', :now FROM bikes GROUP BY location",
        "UPDATE bikes SET broken = 1 WHERE rentid IS NULL AND bikeid % 30 = 0",
        f"UPDATE bikes SET held = 1, due_ms = :now + (bikeid % 100 - 50) * {HOUR_MS} WHERE rentid IS NULL AND"
        " bikeid % 40 = 1",
        "INSERT INTO holds (bikeid, holder, why, byuser, since_ms, due_ms)"
        " SELECT bikeid, 'staff', 'the chain is loose', '1', :now, due_ms FROM bikes WHERE held = 1",
        "UPDATE bikes SET retired = 1 WHERE rentid IS NULL AND bikeid % 50 = 3",
        "UPDATE counters SET n = (SELECT count(*) FROM bikes WHERE retired = 0) WHERE name = 'bikes'",
    ),
    "rent": (
        f"{_each('riding')} INSERT INTO rents (rentid, userid, bikeid, status, deadline_ms, started_ms, reminded)"
        f" SELECT :rides + n, 1 + n, n, 'rented', :now, {_BEGUN}, 1 FROM numbers",
        "UPDATE counters SET n = :riding WHERE name = 'rented'",
    ),
    "rent_and_billing_view": (
        f"{_each('riding')} INSERT INTO rides (rentid, userid, bikeid, rentstatus, started_ms)"
        f" SELECT :rides + n, 1 + n, n, 'rented', {_BEGUN} FROM numbers",
        "UPDATE counters SET n = n + :riding WHERE name = 'rides'",
    ),
    "billing": (
        f"{_each('riding')} INSERT INTO bills (billid, rentid, userid, started_ms, status)"
        f" SELECT :rides + n, :rides + n, 1 + n, {_BEGUN}, 'OPENBILL' FROM numbers",
        "UPDATE counters SET n = n + :riding WHERE name = 'bills'",
    ),
    "user_deposit": (
        "INSERT INTO entries (cause, account, amount, at_ms) SELECT 'adjustment:' || userid, 'user:' || userid,"
        f" -balance - userid, :now FROM deposits WHERE {_OWES}",
        "INSERT INTO entries (cause, account, amount, at_ms) SELECT 'adjustment:' || userid, 'cash',"
        f" balance + userid, :now FROM deposits WHERE {_OWES}",
        f"UPDATE deposits SET balance = -userid, version = version + 1 WHERE {_OWES}",
        "INSERT INTO blocks (userid, reason, since_ms, until_ms) SELECT userid, 'two bikes are missing', :now,"
        f" :now + {24_000 * HOUR_MS} FROM deposits WHERE userid % 500 = 9",
    ),
    "account": (
        f"{_each('riders')} INSERT INTO accounts (userid, name, contact, normal, roles, created_ms)"
        f" SELECT n, name_of(n), {_CONTACT}, {_CONTACT}, {_ROLES}, :now FROM numbers",
        "INSERT INTO counters SELECT 'accounts', count(*) FROM accounts",
    ),
    "bike_manage_app": (
        f"{_each('riders')} INSERT INTO reports (managerid, bikeid, batterylevel, usableyn, status, deadline_ms,"
        " applied_ms) SELECT 1 + n % :staff, 1 + n % :bikes, 90, 1, 'applied', :now, :now FROM numbers",
        "INSERT INTO counters SELECT 'reports', count(*) FROM reports",
    ),
    "bike_manager": (
        f"{_each('riders')} INSERT INTO point_entries (managerid, cause, amount, at_ms)"
        " SELECT 1 + n % :staff, 'report:' || n, 1000, :now FROM numbers",
        "INSERT INTO managers (managerid, userid, points)"
        " SELECT managerid, managerid, sum(amount) FROM point_entries GROUP BY managerid",
        "INSERT INTO counters SELECT 'managers', count(*) FROM managers",
        "INSERT INTO counters SELECT 'entries:' || managerid, count(*) FROM point_entries GROUP BY managerid",
    ),
}
"""What each store has, table by table."""

if __name__ == "__main__":
    where, sizes = Path(sys.argv[1]), [int(size) for size in sys.argv[2:5]]
    print(f"filled in {fill(where, *sizes):.1f} s, furnished in {furnish(where, *sizes):.1f} s")
