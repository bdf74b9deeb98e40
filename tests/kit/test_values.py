"""Time, money, identity, settings and the envelope: the values that everything else is made of."""

import re
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.rent import Rented, Returned
from gbike.kit.calls.peers import BreakerSettings
from gbike.kit.clock import SystemClock, SystemIds, rfc3339, second
from gbike.kit.envelope import Undecodable, pack, trace_of, unpack
from gbike.kit.http.request import trace_from
from gbike.kit.money import MAX_WON, NotMoney, won
from gbike.kit.settings import BadSetting, describe, environment, load
from gbike.kit.telemetry import NO_TRACE, Trace, within
from tests.services.lone import examples

RENTED = Rented(rentid=1, userid=2, bikeid=3, status="rented", starttime=1_700_000_000_123)
TRACE = Trace("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "ride-77")


@pytest.mark.parametrize(
    ("at_ms", "compact", "long"),
    [
        (1_735_603_199_999, "20241230235959", "2024-12-30T23:59:59.999Z"),  # the week's year is 2025
        (1_735_689_600_000, "20250101000000", "2025-01-01T00:00:00.000Z"),
        (1_609_459_200_001, "20210101000000", "2021-01-01T00:00:00.001Z"),  # the week's year is 2020
        (1_709_164_800_000, "20240229000000", "2024-02-29T00:00:00.000Z"),
        (0, "19700101000000", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_dates_have_the_calendars_year_and_are_in_utc(at_ms: int, compact: str, long: str) -> None:
    assert (second(at_ms // 1000)[1], rfc3339(at_ms)) == (compact, long)


def test_a_clock_that_goes_otherwise_goes_so_in_its_moments_too() -> None:
    class Stopped(SystemClock):
        def now_ms(self) -> int:
            return 7

    assert Stopped().moment().wall_ms == 7


def test_the_machines_clocks_run_forward() -> None:
    clock = SystemClock()
    assert clock.now_ms() > 1_700_000_000_000
    assert clock.monotonic_ms() <= clock.monotonic_ms()


def test_ids_are_uuids_that_sort_by_the_time_they_were_made() -> None:
    made = [SystemIds().new() for _ in range(2_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made[0])


@examples(400)
@given(st.integers(-MAX_WON, MAX_WON))
def test_whole_won_within_the_bound_are_money(amount: int) -> None:
    assert won(amount) == amount


@pytest.mark.parametrize("amount", [MAX_WON + 1, -MAX_WON - 1, 1.0, 1.5, "100", True, None])
def test_anything_else_is_not_money(amount: object) -> None:
    with pytest.raises(NotMoney):
        won(amount)  # type: ignore[arg-type]


def test_a_message_has_the_originals_value_first_and_cloudevents_in_its_headers() -> None:
    message = pack(RENTED, id="id-1", source="rent", now_ms=1_735_603_199_999, trace=TRACE)
    assert message.value.startswith(b'{"eventType":"Rented","timestamp":"20241230235959",')
    value = msgspec.json.decode(message.value)
    assert list(value)[:7] == ["eventType", "timestamp", "rentid", "userid", "bikeid", "status", "starttime"]
    assert msgspec.json.decode(message.headers) == {
        "ce_id": "id-1",
        "ce_type": "Rented",
        "ce_source": "/gbike/rent",
        "ce_time": "2024-12-30T23:59:59.999Z",
        "ce_subject": "rent:1",
        "traceparent": TRACE.traceparent,
        "correlationid": "ride-77",
        "ce_specversion": "1.0",
        "content-type": "application/json",
    }
    assert (message.type, message.key) == ("Rented", "rent:1")


def test_what_is_packed_is_unpacked_with_its_trace() -> None:
    message = pack(RENTED, id="id-1", source="rent", now_ms=1, trace=TRACE)
    assert unpack(message, Rented) == RENTED
    assert trace_of(message) == Trace(TRACE.traceparent, TRACE.request_id, cause="id-1")


def test_what_is_said_because_of_a_message_names_it_and_what_a_request_said_names_none() -> None:
    asked = pack(RENTED, id="id-1", source="rent", now_ms=1, trace=TRACE)
    caused = pack(RENTED, id="id-2", source="rent", now_ms=1, trace=trace_of(asked))
    assert b"causationid" not in asked.headers
    assert msgspec.json.decode(caused.headers)["causationid"] == "id-1"
    assert trace_of(caused).cause == "id-2"


def test_a_span_within_a_trace_has_an_id_of_its_own() -> None:
    own = within(Trace(TRACE.traceparent, "ride-77", "id-1"))
    assert re.fullmatch(f"00-{'a' * 32}-[0-9a-f]{{16}}-01", own.traceparent)
    assert own.traceparent != TRACE.traceparent
    assert (own.request_id, own.cause) == ("ride-77", "id-1")


def test_a_trace_that_nobody_samples_stays_so() -> None:
    assert trace_from(TRACE.traceparent[:-2] + "00", None).traceparent.endswith("-00")
    assert trace_from(TRACE.traceparent[:-2] + "03", None).traceparent.endswith("-01")


def test_fields_nobody_knows_are_ignored_and_missing_ones_have_defaults() -> None:
    old = b'{"eventType":"Returned","timestamp":"20261122160512","rentid":1,"userid":2,"bikeid":3,"status":"RETURNED",'
    old += b'"endtime":1700000060000,"endlocation":null,"me":true,"new":{"x":1}}'
    message = msgspec.structs.replace(pack(RENTED, id="x", source="rent", now_ms=1, trace=NO_TRACE), value=old)
    published = unpack(message, Returned)
    assert (published.endtime, published.starttime, published.lat) == (1_700_000_060_000, None, None)


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b'{"eventType":"Rented"}', b'{"eventType":"Rented","rentid":"1"}', b'{"eventType":"Returned"}'],
)
def test_what_does_not_fit_is_undecodable(value: bytes) -> None:
    message = msgspec.structs.replace(pack(RENTED, id="x", source="rent", now_ms=1, trace=NO_TRACE), value=value)
    with pytest.raises(Undecodable, match="Rented x"):
        unpack(message, Rented)


def test_only_an_event_is_packed() -> None:
    class Nothing(msgspec.Struct):
        key: str = "x"

    with pytest.raises(TypeError, match="Nothing is no event"):
        pack(Nothing(), id="x", source="rent", now_ms=1, trace=NO_TRACE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("traceparent", "request_id", "known"),
    [
        (None, None, False),
        (TRACE.traceparent, None, True),
        ("garbage", "x" * 200, False),
        (TRACE.traceparent, "ride-77", True),
        (TRACE.traceparent.upper(), "a\nb", False),
    ],
)
def test_a_trace_is_taken_over_when_it_is_well_formed_and_made_when_not(
    traceparent: str | None, request_id: str | None, known: bool
) -> None:
    trace = trace_from(traceparent, request_id)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace.traceparent)
    assert (trace.traceparent[3:35] == "a" * 32) is known
    assert trace.request_id == ("ride-77" if request_id == "ride-77" else trace.traceparent[3:35])


class Some(msgspec.Struct, frozen=True):
    """Settings of these tests."""

    price_krw: Annotated[int, msgspec.Meta(ge=0, le=100, description="a price, KRW")] = 7
    name: str = "x"


def test_a_setting_is_its_default_unless_the_environment_says_otherwise() -> None:
    assert load(Some, {}) == Some()
    assert load(Some, {"GBIKE_PRICE_KRW": "9", "GBIKE_NAME": "", "PRICE_KRW": "1"}) == Some(9, "")


@pytest.mark.parametrize("value", ["", "x", "-1", "101", "1.5", "1e3", "9" * 400])
def test_a_bad_setting_is_one_line_that_names_it(value: str) -> None:
    with pytest.raises(BadSetting) as wrong:
        load(Some, {"GBIKE_PRICE_KRW": value})
    assert "GBIKE_PRICE_KRW" in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_settings_are_described_with_value_default_and_meaning() -> None:
    [price, name] = describe(Some, {"GBIKE_PRICE_KRW": "9"})
    assert (price.name, price.value, price.default, price.meaning) == ("GBIKE_PRICE_KRW", "9", "7", "a price, KRW")
    assert (name.value, name.meaning) == ("x", "")
    assert len(describe(BreakerSettings, {})) == 6


def test_settings_mounted_as_files_are_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "GBIKE_NAME").write_text("mounted\n")
    (tmp_path / "GBIKE_PRICE_KRW").write_text("3")
    (tmp_path / "GBIKE_MARKED").write_text("first\n", "utf-8-sig")
    (tmp_path / "OTHER").write_text("no")
    found = environment({"GBIKE_PRICE_KRW": "4", "HOME": "/"}, tmp_path)
    assert found == {"GBIKE_MARKED": "first", "GBIKE_NAME": "mounted", "GBIKE_PRICE_KRW": "4"}
    assert environment({}, tmp_path / "none") == {}
