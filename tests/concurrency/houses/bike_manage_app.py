"""Reports: 1 is pending past its deadline, 2 is applied and was sent under number 7, 3 is pending with a key. The
rider whom every table knows has complained of bike 6."""

from gbike.contracts.account import AccountErased
from gbike.kit.storage.retention import FLOOR
from gbike.services.bike_manage_app.commands import (
    confirm_the_report,
    give_up_the_report,
    sweep,
    take_a_complaint,
    take_down_a_report,
)
from gbike.services.bike_manage_app.domain import (
    AS_THE_ORIGINAL,
    ComplaintKind,
    Earning,
    Grievance,
    PointsFor,
    Report,
    Stand,
    State,
)
from gbike.services.bike_manage_app.policies import POLICIES
from gbike.services.bike_manage_app.storage import TOLD_KEPT
from gbike.services.bike_manage_app.storage.complaints import KEPT
from tests.concurrency.house import USER, Hears, House, do, floor, write

HEARS = Hears(POLICIES)

SEEN = State(1, 7, 50, True)
TOLD = State(1, 7, 50, False, fault="brake", words="loose", stand=Stand("창고", 37.4, 127.1, 1))
LATE = Report(1, SEEN)
DONE = Report(2, SEEN)
KEYED = Report(3, SEEN)

BY_CHANGES = Earning(PointsFor.CHANGES, per_bike=2, per_day=2_000)

SQUEALS, SMELLS = (Grievance(USER, bikeid, ComplaintKind.BRAKE, "집 앞에서 멈췄어요") for bikeid in (7, 6))
OTHERS = Grievance(USER + 1, 7, ComplaintKind.TYRE)

HOUSE = House(
    "bike_manage_app",
    setup=(
        do(take_down_a_report, SEEN, 5, -1),
        do(take_down_a_report, SEEN, 7, 10_000),
        do(take_down_a_report, SEEN, None, -1, id="three"),
        do(confirm_the_report, DONE, 0, AS_THE_ORIGINAL),
        do(take_a_complaint, SMELLS, id="smells"),
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
        write("complain", take_a_complaint, SQUEALS, again=(OTHERS,), key="complaints:7"),
        write("complain of danger", take_a_complaint, Grievance(USER + 2, 7, ComplaintKind.SAFETY), key="complaints:7"),
        write("complain of another bike", take_a_complaint, Grievance(USER + 1, 6, ComplaintKind.DIRTY)),
        write("complain with a key", take_a_complaint, OTHERS, key="complaints:7", id="flat"),
        write("complain again with a key", take_a_complaint, SMELLS, key="complaints:6", id="smells"),
        HEARS.case("erased", AccountErased(userid=USER)),
        *floor((*FLOOR, TOLD_KEPT, KEPT), HEARS, AccountErased(userid=USER)),
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
            "two riders complained of a bike, and it is not taken out",
            "SELECT a.bikeid FROM complaints a JOIN complaints b ON a.bikeid = b.bikeid AND a.userid <> b.userid"
            " AND a.takenout + b.takenout = 0",
        ),
        (
            "a complaint was taken without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM complaints) AS done, (SELECT count(*) FROM outbox"
            " WHERE type = 'RiderComplained') AS said) AS both_ WHERE done <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
        (
            "an erased rider's words are kept",
            "SELECT complaintid FROM complaints WHERE words IS NOT NULL AND userid IN (SELECT userid FROM erased)",
        ),
        (
            "an answer has an erased rider's words",
            "SELECT key FROM idempotency WHERE convert_from(content, 'UTF8') LIKE '%집 앞%'"
            " AND EXISTS (SELECT 1 FROM erased)",
        ),
        (
            "count",
            "SELECT count(*) FROM reports WHERE status = 'applied' HAVING count(*) <> (SELECT"
            " coalesce(sum(n), 0) FROM counters WHERE name = 'reports')",
        ),
    ),
)
