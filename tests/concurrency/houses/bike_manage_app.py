"""Reports: 1 is pending past its deadline, 2 is applied and was sent under number 7, 3 is pending with a key."""

from gbike.kit.housekeeping import FLOOR
from gbike.services.bike_manage_app.domain import AS_THE_ORIGINAL, Earning, PointsFor, Report, State
from gbike.services.bike_manage_app.storage import applied, begin, cancel, sweep
from tests.concurrency.house import House, do, floor, write

SEEN = State(1, 7, 50, True)
LATE, DONE, KEYED = Report(1, SEEN), Report(2, SEEN), Report(3, SEEN)

BY_CHANGES = Earning(PointsFor.CHANGES, per_bike=2, per_day=2_000)

HOUSE = House(
    "bike_manage_app",
    setup=(
        do(begin, SEEN, 5, -1),
        do(begin, SEEN, 7, 10_000),
        do(begin, SEEN, None, -1, id="three"),
        do(applied, DONE, 0, AS_THE_ORIGINAL),
    ),
    cases=(
        write("begin", begin, SEEN, None, 10_000, key="manager:1"),
        write("begin under a number", begin, SEEN, 6, 10_000, key="manager:1"),
        write("begin under a number of another", begin, SEEN, 5, 10_000, key="manager:1"),
        write("begin what is applied", begin, SEEN, 7, 10_000, key="manager:1", id="seven"),
        write("begin with a key", begin, SEEN, None, 10_000, key="manager:1", id="new"),
        write("begin with a held key", begin, SEEN, None, 10_000, key="manager:1", id="three"),
        write("apply", applied, LATE, 0, AS_THE_ORIGINAL, key="manager:1"),
        write("apply with a key", applied, KEYED, 0, AS_THE_ORIGINAL, key="manager:1", id="three"),
        write("apply a change", applied, LATE, LATE.reportid, BY_CHANGES, key="manager:1"),
        write("apply another change", applied, KEYED, KEYED.reportid, BY_CHANGES, key="manager:1", id="three"),
        write("apply what another made", applied, KEYED, LATE.reportid, BY_CHANGES, key="manager:1", id="three"),
        write("cancel", cancel, LATE.reportid, "TimedOut", key="manager:1"),
        write("cancel with a key", cancel, KEYED.reportid, "TimedOut", key="manager:1"),
        write("sweep", sweep, 10, 10_000),
        *floor(FLOOR),
    ),
    looks=(
        (
            "two reports were taken under one number",
            "SELECT managerid, sent_reportid FROM reports WHERE status <> 'cancelled' AND sent_reportid IS"
            " NOT NULL GROUP BY managerid, sent_reportid HAVING count(*) > 1",
        ),
        (
            "I21 a report was applied without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM reports WHERE status = 'applied') AS done, (SELECT"
            " count(*) FROM outbox WHERE type = 'Reported') AS said) AS both_ WHERE done <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
        (
            "count",
            "SELECT count(*) FROM reports WHERE status = 'applied' HAVING count(*) <> (SELECT"
            " coalesce(sum(n), 0) FROM counters WHERE name = 'reports')",
        ),
    ),
)
