"""Reports: 1 is pending past its deadline, 2 is applied and was sent under number 7, 3 is pending with a key."""

from gbike.kit.storage.retention import FLOOR
from gbike.services.bike_manage_app.commands import (
    confirm_the_report,
    give_up_the_report,
    sweep,
    take_down_a_report,
)
from gbike.services.bike_manage_app.domain import AS_THE_ORIGINAL, Earning, PointsFor, Report, Stand, State
from gbike.services.bike_manage_app.storage import TOLD_KEPT, complaints
from tests.concurrency.house import House, do, floor, write

SEEN = State(1, 7, 50, True)
TOLD = State(1, 7, 50, False, fault="brake", words="loose", stand=Stand("창고", 37.4, 127.1, 1))
LATE = Report(1, SEEN)
DONE = Report(2, SEEN)
KEYED = Report(3, SEEN)

BY_CHANGES = Earning(PointsFor.CHANGES, per_bike=2, per_day=2_000)

HOUSE = House(
    "bike_manage_app",
    setup=(
        do(take_down_a_report, SEEN, 5, -1),
        do(take_down_a_report, SEEN, 7, 10_000),
        do(take_down_a_report, SEEN, None, -1, id="three"),
        do(confirm_the_report, DONE, 0, AS_THE_ORIGINAL),
    ),
    cases=(
        write("begin", take_down_a_report, SEEN, None, 10_000, key="manager:1"),
        write("begin with words", take_down_a_report, TOLD, None, 10_000, key="manager:1"),
        write("begin under a number", take_down_a_report, SEEN, 6, 10_000, key="manager:1"),
        write("begin under a number of another", take_down_a_report, SEEN, 5, 10_000, key="manager:1"),
        write("begin what is applied", take_down_a_report, SEEN, 7, 10_000, key="manager:1", id="seven"),
        write("begin with a key", take_down_a_report, SEEN, None, 10_000, key="manager:1", id="new"),
        write("begin with a held key", take_down_a_report, SEEN, None, 10_000, key="manager:1", id="three"),
        write("apply", confirm_the_report, LATE, 0, AS_THE_ORIGINAL, key="manager:1"),
        write("apply with a key", confirm_the_report, KEYED, 0, AS_THE_ORIGINAL, key="manager:1", id="three"),
        write("apply a change", confirm_the_report, LATE, LATE.reportid, BY_CHANGES, key="manager:1"),
        write(
            "apply another change", confirm_the_report, KEYED, KEYED.reportid, BY_CHANGES, key="manager:1", id="three"
        ),
        write(
            "apply what another made", confirm_the_report, KEYED, LATE.reportid, BY_CHANGES, key="manager:1", id="three"
        ),
        write("cancel", give_up_the_report, LATE.reportid, "TimedOut", key="manager:1"),
        write("cancel with a key", give_up_the_report, KEYED.reportid, "TimedOut", key="manager:1"),
        write("sweep", sweep, 10, 10_000),
        *floor((*FLOOR, TOLD_KEPT, complaints.KEPT)),
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
