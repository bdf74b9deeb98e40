"""Every pair of commands of a service, over the same rows, through every order of their statements."""

import json
import time
from collections.abc import Callable

import pytest

from tests.concurrency.bench import Workbench
from tests.concurrency.house import Case, House
from tests.concurrency.listing import heard, kept_for_a_while, written
from tests.concurrency.planted import PLANTED, Planted
from tests.concurrency.tables import DANGEROUS, FULL, HOUSES, NOT_HERE, batches, crossing_batches, pairs

Benches = Callable[[House], Workbench]
Tell = Callable[[str, object], None]
PARTS = 4
"""In so many tests the pairs of a service are divided, so that two processes share them."""


def told(name: str, one: str, other: str, wrong: list[str]) -> str:
    return f"{name}: {one} | {other}: {len(wrong)} wrong, the first: {wrong[0] if wrong else ''}"


@pytest.mark.skipif(not FULL, reason="minutes of orders: GBIKE_FULL=1")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", HOUSES)
def test_every_pair_of_commands_comes_to_what_one_after_the_other_comes_to(
    name: str, part: int, workbench: Benches, record_property: Tell
) -> None:
    house, begun = HOUSES[name], time.monotonic()
    bench = workbench(house)
    orders = pruned = 0
    wrong = []
    mine = [*pairs(house)][part::PARTS]
    for one, other in mine:
        ordered = frozenset({one.name, other.name}) not in house.unordered
        found = bench.judge([one.write], [other.again], serial=ordered)
        orders, pruned = orders + found.orders, pruned + found.pruned
        if found.wrong:
            wrong.append(told(name, one.name, other.name, found.wrong))
    seconds = time.monotonic() - begun
    record_property("concurrency", json.dumps([name, len(mine), orders, pruned, len(wrong), seconds]))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", HOUSES)
def test_the_most_dangerous_pair_of_a_service_is_in_order(name: str, workbench: Benches) -> None:
    house = HOUSES[name]
    one, other = (house.case(case) for case in DANGEROUS[name])
    found = workbench(house).judge([one.write], [other.again])
    assert not found.wrong, told(name, one.name, other.name, found.wrong)
    assert found.orders > 1, "they don't meet"


@pytest.mark.timeout(300)
def test_two_batches_of_two_commands_are_in_order(workbench: Benches) -> None:
    house, one, other = batches()
    found = workbench(house).judge(one, other)
    assert not found.wrong, told(house.name, "a batch", "another", found.wrong)
    assert found.orders > 1, "they don't meet"


@pytest.mark.timeout(300)
def test_batches_that_wait_crosswise_are_both_done(workbench: Benches) -> None:
    house, one, other = crossing_batches()
    bench = workbench(house)
    before = bench.deadlocks()
    found = bench.judge(one, other, serial=False, answered=True)
    assert not found.wrong, told(house.name, "a batch", "another", found.wrong)
    assert bench.deadlocks() > before, "they never waited for each other"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rows of a file", "label"),
        ("rows of known bikes", "label"),
        ("the last rows of a file", "give up a file"),
        ("rows of known bikes", "two returned"),
        ("tell where", "two returned"),
        ("tell where", "complained and returned"),
        ("reserve", "complained and returned"),
    ],
)
def test_writes_that_hold_places_labels_and_bikes_never_wait_crosswise(
    one: str, other: str, workbench: Benches
) -> None:
    """An import that is the victim of a deadlock does its rows again, a second later."""
    house = HOUSES["bike"]
    found = workbench(house).judge([house.case(one).write], [house.case(other).again])
    assert (found.failures, found.wrong) == (0, [])
    assert found.orders > 1, "they don't meet"


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_planted_race_is_found(planted: Planted, workbench: Benches) -> None:
    found = workbench(planted.house).judge([planted.one.write], [planted.other.again])
    assert found.wrong, f"{planted.name} was not found in {found.orders} orders"


@pytest.mark.skipif(not FULL, reason="every order of a pair: GBIKE_FULL=1")
@pytest.mark.parametrize(
    ("house", "one", "other"),
    [
        *((planted.house, planted.one, planted.other) for planted in PLANTED),
        *((house, *(house.case(case) for case in DANGEROUS[name])) for name, house in HOUSES.items()),
    ],
    ids=[*(planted.name for planted in PLANTED), *HOUSES],
)
def test_orders_that_are_left_out_come_to_nothing_else(
    house: House, one: Case, other: Case, workbench: Benches
) -> None:
    some, every = (workbench(house).judge([one.write], [other.again], sleeping=sleeping) for sleeping in (True, False))
    assert some.orders < every.orders
    assert [came for came in every.came if came not in some.came] == []


def test_every_command_of_the_code_is_in_a_table() -> None:
    covered = {name for house in HOUSES.values() for case in house.cases for name in case.covers}
    left = {name: file for name, file in (written() | heard()).items() if name not in covered | NOT_HERE.keys()}
    assert not left, "add them to tests/concurrency/houses/: CONTRIBUTING.md"


@pytest.mark.parametrize("name", HOUSES)
def test_every_housekeeping_of_a_service_is_in_its_table(name: str) -> None:
    covered = {what for case in HOUSES[name].cases for what in case.covers}
    assert {keeping.forget for keeping in kept_for_a_while()[name]} <= covered


def test_a_pair_that_is_excused_is_one_of_the_table() -> None:
    for house in HOUSES.values():
        names = {case.name for case in house.cases}
        assert len(names) == len(house.cases), house.name
        assert all(pair <= names for pair in house.unordered), house.name
