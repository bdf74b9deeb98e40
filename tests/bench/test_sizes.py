"""What a ride leaves for ever has a bound, which the bench measures."""

import pytest

from dev.bench.sizes import MOST, Sizes, for_ever, main, on_sqlite, told

RIDES = 200


async def test_a_ride_leaves_no_more_for_ever_than_there_is_room_for() -> None:
    grown = await on_sqlite(RIDES)
    assert for_ever(grown, RIDES) <= MOST["sqlite"], told("sqlite", grown, RIDES)
    assert {"rent.rents", "billing.bills", "user_deposit.entries", "rent_and_billing_view.rent_facts"} <= grown.keys()


def test_what_goes_after_a_while_is_not_counted_as_for_ever() -> None:
    grown = Sizes({"rent.outbox": 5_000, "rent_and_billing_view.kept": 5_000, "account.rides": 50, "rent.rents": 300})
    assert for_ever(grown, 1) == 300
    assert "for ever: 300 of 1,500 PASS" in told("sqlite", grown, 1)
    grown["rent_and_billing_view.rides"] += 2_000
    assert "FAIL" in told("sqlite", grown, 1)


def test_an_engine_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--engine", "oracle"])
    assert "sqlite" in capsys.readouterr().err
