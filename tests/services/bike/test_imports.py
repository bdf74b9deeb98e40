"""A file of bikes: every row is done once, whatever is wrong with others and whoever stops between."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gbike.kit.numbers import MAX_ID
from gbike.kit.storage.retention import DAY_MS
from gbike.services.bike import saga
from gbike.services.bike.commands import imports as commands
from gbike.services.bike.commands import register_a_bike
from gbike.services.bike.domain import Status
from gbike.services.bike.wiring import SPEC
from tests.services.lone import Lone, Reply

HEAD = "자전거번호,대여소명,배터리(%),위도,경도\n"
FLEET = HEAD + "1,정자역,80,37.3670,127.1083\n2,수내역,영,37.3780,127.1140\n3,서현역,100,0,0\n"


async def sent(lone: Lone, text: str | bytes, **asked: str) -> Reply:
    """The answer to a file."""
    data = text if isinstance(text, bytes) else text.encode()
    return await lone.client.send("POST", f"/bikes/imports?{urlencode(asked)}", data)


async def imported(lone: Lone, text: str | bytes, **asked: str) -> Any:
    """The import when it is over."""
    begun = await sent(lone, text, **asked)
    assert begun.status == 202
    await lone.settle()
    return (await lone.client.get(f"/bikes/imports/{begun.json['importid']}")).json


async def rows(lone: Lone, importid: int, query: str = "") -> list[Any]:
    page = (await lone.client.get(f"/bikes/imports/{importid}/rows?size=1000&{query}")).json
    return list(page["_embedded"]["rows"])


async def outcomes(lone: Lone, importid: int) -> list[tuple[int, str, list[str]]]:
    found = await rows(lone, importid)
    return [(row["line"], row["outcome"], [problem["code"] for problem in row["problems"]]) for row in found]


def counts(job: Any) -> tuple[int, ...]:
    return tuple(job[name] for name in ("registered", "changed", "unchanged", "refused"))


async def test_a_bad_row_stops_no_good_one() -> None:
    lone = Lone(SPEC)
    job = await imported(lone, FLEET.encode("cp949"), name="fleet.csv")
    assert (job["state"], job["rows"], job["done"], job["name"]) == ("done", 3, 3, "fleet.csv")
    assert (job["encoding"], job["separator"]) == ("cp949", ",")
    assert job["columns"][0] == {"name": "자전거번호", "field": "bikeid"}
    assert counts(job) == (2, 0, 0, 1)
    assert await outcomes(lone, 1) == [(2, "registered", []), (3, "refused", ["bad-battery"]), (4, "registered", [])]
    bikes = (await lone.client.get("/bikes")).json["_embedded"]["bikes"]
    assert [(bike["bikeid"], bike["location"], bike["lat"]) for bike in bikes] == [
        (1, "정자역", 37.3670),
        (3, "서현역", None),
    ]
    [first, bad, last] = await rows(lone, 1)
    assert (last["noposition"]["code"], first["noposition"]) == ("zero-position", None)
    assert bad["problems"][0]["ko"] == "배터리는 0에서 100까지의 정수예요"
    assert [row["line"] for row in await rows(lone, 1, "outcome=refused")] == [3]


async def test_a_dry_run_shows_what_would_become_of_each_row_and_writes_nothing() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1, "batterylevel": 20})
    job = await imported(lone, FLEET, dryrun="true", existing="change")
    assert counts(job) == (1, 1, 0, 1)
    assert job["first"][0]["cells"] == ["1", "정자역", "80", "37.3670", "127.1083"]
    shown = job["first"][0]["bike"]
    assert (shown["batterylevel"], shown["location"], shown["lat"]) == (80, "정자역", 37.3670)
    bikes = (await lone.client.get("/bikes")).json["_embedded"]["bikes"]
    assert [(bike["bikeid"], bike["batterylevel"]) for bike in bikes] == [(1, 20)]


async def test_a_file_that_comes_again_changes_nothing() -> None:
    lone = Lone(SPEC)
    await imported(lone, FLEET)
    said = await lone.published()
    assert counts(await imported(lone, FLEET)) == (0, 0, 2, 1)
    assert counts(await imported(lone, FLEET, existing="change")) == (0, 0, 2, 1)
    assert (await outcomes(lone, 2))[0] == (2, "unchanged", ["exists"])
    assert (await outcomes(lone, 3))[0] == (2, "unchanged", [])
    assert await lone.published() == said


async def test_existing_bikes_are_changed_when_asked_and_keep_what_the_file_does_not_say() -> None:
    lone = Lone(SPEC)
    await lone.client.post(
        "/bikes", {"bikeid": 1, "batterylevel": 20, "location": "미금역", "lat": 37.35, "lon": 127.1}
    )
    job = await imported(lone, "bikeid,battery\n1,90\n", existing="change")
    assert counts(job) == (0, 1, 0, 0)
    bike = (await lone.client.get("/bikes/1")).json
    assert (bike["batterylevel"], bike["location"], bike["lat"]) == (90, "미금역", 37.35)
    assert [event["eventType"] for event in await lone.published()] == ["RegisteredBike", "UpdatedBike"]


async def test_a_file_teaches_places_and_what_is_far_from_them_is_no_position() -> None:
    lone = Lone(SPEC)
    text = (
        HEAD
        + "1,정자역,80,,\n2,정자역,80,37.3670,127.1083\n3,수내역,80,127.1140,37.3780\n4,부산역,80,35.1150,129.0410\n"
    )
    assert counts(await imported(lone, text)) == (4, 0, 0, 0)
    found = [row["noposition"] and row["noposition"]["code"] for row in await rows(lone, 1)]
    assert found == [None, None, "swapped-position", "far-position"]
    places = (await lone.client.get("/places")).json["_embedded"]["places"]
    assert [(place["name"], place["lat"]) for place in places] == [
        ("부산역", None),
        ("수내역", None),
        ("정자역", 37.3670),
    ]
    kept = await lone.rows("SELECT * FROM places ORDER BY key")
    assert counts(await imported(lone, text, existing="change")) == (0, 0, 4, 0)
    assert await lone.rows("SELECT * FROM places ORDER BY key") == kept


async def test_a_ridden_bike_s_status_is_not_changed() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1})
    await lone.client.put("/internal/bikes/1/reservations/5")
    job = await imported(lone, f"bikeid,status,battery\n1,{Status.BROKEN},55\n", existing="change")
    assert (counts(job), await outcomes(lone, 1)) == ((0, 1, 0, 0), [(2, "changed", ["ridden"])])
    assert await lone.rows("SELECT rentid, broken, batterylevel FROM bikes") == [(5, 0, 55)]


async def test_an_open_question_lets_nothing_be_written_until_it_is_answered() -> None:
    lone = Lone(SPEC)
    text = "no,battery,배터리\n1,50,60\n"
    job = await imported(lone, text)
    assert (job["state"], job["done"], [question["code"] for question in job["questions"]]) == (
        "refused",
        0,
        ["two-columns", "no-number"],
    )
    told = '{"no": "bikeid", "배터리": ""}'
    assert counts(await imported(lone, text, columns=told)) == (1, 0, 0, 0)
    assert (await lone.client.get("/bikes/1")).json["batterylevel"] == 50


async def test_columns_that_were_told_by_hand_are_known_the_next_time() -> None:
    lone = Lone(SPEC)
    await imported(lone, "no\n1\n", columns='{"no": "bikeid"}')
    assert counts(await imported(lone, "no\n2\n")) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty-file"),
        (b"PK\x03\x04rest", "spreadsheet-file"),
        (b"bikeid\n\xff\xff\n", "unknown-encoding"),
        (b"{", "broken-json"),
        (b"{}", "not-gbfs"),
        (b"bikeid" + b",x" * 1_000 + b"\n1\n", "too-many-columns"),
    ],
)
async def test_a_file_that_can_not_be_read_is_refused_and_says_why(data: bytes, why: str) -> None:
    lone = Lone(SPEC)
    for dryrun in ("true", "false"):
        reply = await sent(lone, data, dryrun=dryrun)
        assert (reply.status, reply.json["type"].partition("#")[2], reply.json["why"]) == (409, "file-unreadable", why)
        assert "{" not in reply.json["detail"]
    assert (await lone.client.get("/bikes/imports")).json["page"]["totalElements"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        *({"dryrun": "ja"}, {"dryrun": ""}, {"existing": "drop"}, {"existing": ""}),
        *({"columns": "x"}, {"columns": '{"a": "b"}'}, {"columns": '{"a\\u0000": "bikeid"}'}),
        {"columns": '{"%s": "bikeid"}' % ("a" * 256)},
    ],
)
async def test_what_is_asked_of_a_file_must_make_sense(asked: dict[str, str]) -> None:
    reply = await sent(Lone(SPEC), FLEET, **asked)
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, next(iter(asked)))


async def test_a_file_may_have_16_mib_and_every_other_body_64_kib() -> None:
    lone = Lone(SPEC)
    assert (await sent(lone, FLEET + " " * (16 * 1024 * 1024 - len(FLEET.encode())))).status == 202
    reply = await sent(lone, FLEET + " " * (16 * 1024 * 1024))
    assert (reply.status, reply.json["most_bytes"]) == (413, 16 * 1024 * 1024)
    reply = await lone.client.post("/bikes", {"bikeid": 1, "location": "x" * 65_536})
    assert (reply.status, reply.json["most_bytes"]) == (413, 65_536)


async def test_a_file_that_is_sent_again_with_its_key_is_one_import() -> None:
    lone = Lone(SPEC)
    send = lone.client.send
    first = await send("POST", "/bikes/imports", FLEET.encode(), idempotency_key="a")
    again = await send("POST", "/bikes/imports", FLEET.encode(), idempotency_key="a")
    assert (first.status, again) == (202, first)
    other = await send("POST", "/bikes/imports?existing=change", FLEET.encode(), idempotency_key="a")
    assert (other.status, other.json["type"].partition("#")[2]) == (422, "idempotency-key-reused")


async def test_no_more_files_wait_than_may() -> None:
    lone = Lone(SPEC)
    for _ in range(commands.MOST_OPEN):
        assert (await sent(lone, FLEET)).status == 202
    reply = await sent(lone, FLEET)
    assert (reply.status, reply.json["most"]) == (409, commands.MOST_OPEN)
    await lone.settle()
    assert (await sent(lone, FLEET)).status == 202


async def test_an_import_goes_on_where_another_process_stopped(tmp_path: Path) -> None:
    many = 2 * saga.ROWS + 50
    text = "bikeid\n" + "".join(f"{bikeid}\n" for bikeid in range(1, many + 1))
    before = Lone(SPEC, path=tmp_path / "bike.sqlite")
    await sent(before, text)
    await before.worker("imports").step()
    await before.stop()
    after = Lone(SPEC, path=tmp_path / "bike.sqlite")
    job = (await after.client.get("/bikes/imports/1")).json
    assert (job["state"], job["done"]) == ("running", saga.ROWS)
    await after.settle()
    job = (await after.client.get("/bikes/imports/1")).json
    assert (job["state"], job["rows"], counts(job)) == ("done", many, (many, 0, 0, 0))
    assert await after.rows("SELECT count(*), max(line) FROM import_rows") == [(many, many + 1)]
    assert await after.rows("SELECT count(*) FROM import_files") == [(0,)]
    await after.stop()


async def test_a_row_that_something_of_ours_fails_at_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = register_a_bike

    def fails(tx: Any, bike: Any, told: Any) -> Any:
        if bike.bikeid == 3:
            raise ValueError("nobody knows why")
        return inner(tx, bike, told)

    monkeypatch.setattr("gbike.services.bike.commands.imports.register_a_bike", fails)
    lone = Lone(SPEC)
    job = await imported(lone, "bikeid\n1\n2\n3\n4\n")
    assert (job["state"], counts(job)) == ("done", (3, 0, 0, 1))
    assert (await outcomes(lone, 1))[2] == (4, "refused", ["failed"])


async def test_what_of_a_row_can_not_be_kept_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbike.services.bike.importing.gbfs._HALF_LETTER", re.compile("(?!)"))
    bikes = [{"bike_id": f"{bikeid}"} for bikeid in range(1, 21)]
    bikes[14]["station_id"] = "\ud800"  # which no store takes
    lone = Lone(SPEC)
    job = await imported(lone, json.dumps({"data": {"bikes": bikes}}))
    assert (job["state"], counts(job)) == ("done", (19, 0, 0, 1))
    assert (await outcomes(lone, 1))[14] == (15, "refused", ["failed"])


async def test_half_a_letter_is_a_lost_letter() -> None:
    lone = Lone(SPEC)
    job = await imported(lone, r'{"data": {"bikes": [{"bike_id": "1", "station_id": "\ud800"}, {"bike_id": "2"}]}}')
    assert (job["state"], counts(job)) == ("done", (1, 0, 0, 1))
    assert (await outcomes(lone, 1))[0] == (1, "refused", ["garbled"])


async def test_a_zero_byte_is_kept_nowhere() -> None:
    lone = Lone(SPEC)
    job = await imported(lone, "bikeid,location\n1,정자\0역\n2,수내역\n", name="a\0b.csv")
    assert (job["name"], counts(job)) == ("ab.csv", (1, 0, 0, 1))
    assert await outcomes(lone, 1) == [(2, "refused", ["garbled"]), (3, "registered", [])]
    kept = await lone.rows("SELECT location FROM import_rows UNION SELECT name FROM imports")
    assert not any("\0" in text for (text,) in kept)


async def test_a_column_that_is_not_to_be_read_after_all_is_forgotten() -> None:
    lone = Lone(SPEC)
    text = "관리번호,차번\n1,2\n"
    await imported(lone, text, dryrun="true", columns='{"관리번호": "bikeid"}')
    job = await imported(lone, text, columns='{"관리번호": "", "차번": "bikeid"}')
    assert counts(job) == (1, 0, 0, 0)
    job = await imported(lone, text)
    assert (job["questions"], counts(job)) == ([], (0, 0, 1, 0))


async def test_each_bike_and_the_file_are_on_record_as_done_by_who_sent_it() -> None:
    lone = Lone(SPEC)
    await imported(lone, FLEET, name="fleet.csv")
    found = await lone.rows("SELECT who, mode, action, subject, after FROM audit ORDER BY number")
    assert [row[:4] for row in found] == [
        ("demo", "open", "bike registered", "bike:1"),
        ("demo", "open", "bike registered", "bike:3"),
        ("demo", "open", "bikes imported", "import:1"),
    ]
    assert '"file":"fleet.csv"' in found[-1][4]
    assert len(await lone.rows("SELECT DISTINCT trace_id FROM audit")) == 1


async def test_what_became_of_the_rows_is_kept_for_a_month() -> None:
    lone = Lone(SPEC)
    await imported(lone, FLEET)
    lone.clock.at_ms += 30 * DAY_MS - 1
    await lone.worker("housekeeper").step()
    assert len(await rows(lone, 1)) == 3
    lone.clock.at_ms += 2
    for _ in range(2):
        await lone.worker("housekeeper").step()
    assert (await lone.client.get("/bikes/imports/1")).status == 404
    assert await lone.rows("SELECT * FROM import_rows") == []


async def test_of_so_many_imports_the_oldest_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_KEPT", 2)
    lone = Lone(SPEC)
    for _ in range(4):
        await imported(lone, FLEET)
    lone.clock.at_ms += 1
    for _ in range(2):
        await lone.worker("housekeeper").step()
    left = (await lone.client.get("/bikes/imports")).json["_embedded"]["imports"]
    assert [job["importid"] for job in left] == [4, 3, 2]


LABELLED = "자전거번호,대여소명\nSPB-03001,정자역\nspb-03002,수내역\n"


async def test_a_file_of_labels_gives_each_bike_a_number_and_finds_it_again() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 41})
    assert counts(await imported(lone, LABELLED, dryrun="true")) == (2, 0, 0, 0)
    assert counts(await imported(lone, LABELLED)) == (2, 0, 0, 0)
    found = [(row["bikeid"], row["label"]) for row in await rows(lone, 2)]
    assert found == [(42, "SPB-03001"), (43, "SPB-03002")]
    for existing in ("keep", "change"):
        assert counts(await imported(lone, LABELLED, existing=existing)) == (0, 0, 2, 0)
    assert [row["bikeid"] for row in await rows(lone, 4)] == [42, 43]
    moved = "label,location\nspb-03002,미금역\n"
    assert counts(await imported(lone, moved, existing="change")) == (0, 1, 0, 0)
    assert (await lone.client.get("/bikes/43")).json["location"] == "미금역"


async def test_a_row_with_another_bike_s_label_is_refused_and_nothing_of_it_is_done() -> None:
    lone = Lone(SPEC)
    for bikeid, label in ((1, "SPB-1"), (2, None), (4, "SPB-4")):
        await lone.client.post("/bikes", {"bikeid": bikeid, "label": label})
    text = "bikeid,label,location,lat,lon\n2,spb-1,정자역,37.3670,127.1083\n3,SPB-4,,,\n1,,,,\n"
    for asked in ({"dryrun": "true", "existing": "change"}, {"existing": "change"}):
        job = await imported(lone, text, **asked)
        assert await outcomes(lone, job["importid"]) == [
            (2, "refused", ["label-taken"]),
            (3, "refused", ["label-taken"]),
            (4, "unchanged", []),
        ]
    assert (await lone.client.get("/bikes/2")).json["location"] is None
    assert (await lone.client.get("/places")).json["page"]["totalElements"] == 0
    assert counts(await imported(lone, "bikeid,label\n2,SPB-2\n", existing="change")) == (0, 1, 0, 0)
    assert (await lone.client.get("/bikes/search/findByLabel?label=SPB-2")).json["bikeid"] == 2


async def test_a_number_that_gbike_gives_is_none_that_a_later_row_has() -> None:
    lone = Lone(SPEC)
    job = await imported(lone, "bikeid,label\n1,\n,SPB-1\n2,\n7,\n", existing="change")
    assert counts(job) == (4, 0, 0, 0)
    assert [(row["bikeid"], row["label"]) for row in await rows(lone, 1)] == [
        (1, None),
        (8, "SPB-1"),
        (2, None),
        (7, None),
    ]


async def test_where_the_highest_number_is_taken_a_label_gets_the_lowest_that_is_free() -> None:
    lone = Lone(SPEC)
    await imported(lone, f"bikeid,label\n{MAX_ID},\n")
    assert counts(await imported(lone, "label\nSPB-1\nSPB-2\n")) == (2, 0, 0, 0)
    assert [row["bikeid"] for row in await rows(lone, 2)] == [1, 2]


@pytest.mark.parametrize(("lat", "lon", "why"), [(3.7367, 127.1, "far"), (35.9, 38.5, "far"), (44.9, 39.0, "swapped")])
async def test_a_wrong_first_row_teaches_no_town(lat: float, lon: float, why: str) -> None:
    town = (39.0, 45.0) if why == "swapped" else (37.37, 127.1)
    text = f"bikeid,location,lat,lon\n1,A,{lat},{lon}\n" + "".join(
        f"{bikeid},B{bikeid},{town[0]},{town[1]}\n" for bikeid in range(2, 9)
    )
    lone = Lone(SPEC)
    for dryrun in ("true", "false"):
        job = await imported(lone, text, dryrun=dryrun)
        told = [row["noposition"] and row["noposition"]["code"] for row in await rows(lone, job["importid"])]
        assert told == [f"{why}-position", *[None] * 7]
    assert (await lone.client.get("/places/A")).json["lat"] is None


async def test_of_a_file_of_very_long_cells_only_their_beginnings_are_shown() -> None:
    lone = Lone(SPEC)
    job = await imported(lone, f"bikeid,memo\n1,{'x' * 1_000}{',y' * 1_000}\n")
    assert job["first"][0]["cells"] == ["1", "x" * 255, "y"]
