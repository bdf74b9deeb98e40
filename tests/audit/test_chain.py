"""Any row of 100,000 that was changed, removed, moved, put in between or cut off is seen, and by its number."""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gbike.kit.audit.chain import COLUMNS, breaks, head, rows
from gbike.kit.audit.rows import hash_of
from gbike.kit.storage.sqlite.store import open_file
from tests.audit.chains import forger, make_chain, reading

LENGTH, SHORT = 100_000, 1_000
FORGERIES = 100
AT_ONCE = 1 if os.environ.get("GBIKE_FULL") else 20
"""Forgeries far from each other are looked for in one walk, or the default run would be long."""
_TEXTS = ("who", "roles", "mode", "action", "subject", "before", "after", "trace_id", "prev_hash", "hash")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "user_deposit.sqlite"
    asyncio.run(make_chain(path, LENGTH))
    return path


@pytest.fixture
def short(tmp_path: Path) -> Path:
    asyncio.run(make_chain(tmp_path / "user_deposit.sqlite", SHORT))
    return tmp_path / "user_deposit.sqlite"


def change(hand: apsw.Connection, number: int, chance: random.Random) -> set[str]:
    """One column of one row is another."""
    column = chance.choice(_TEXTS)
    hand.execute(f"UPDATE audit SET {column} = {column} || ' ' WHERE number = ?", (number,))
    found = {f"row {number} was changed"}
    if column == "hash":
        found.add(f"row {number + 1} does not follow row {number} as it is now")
    if column == "prev_hash":
        found.add(f"row {number} does not follow row {number - 1} as it is now")
    return found


def change_the_moment(hand: apsw.Connection, number: int, _chance: random.Random) -> set[str]:
    """It happened at another time."""
    hand.execute("UPDATE audit SET at_ms = at_ms - 1 WHERE number = ?", (number,))
    return {f"row {number} was changed"}


def forge(hand: apsw.Connection, number: int, _chance: random.Random) -> set[str]:
    """A row is another with a hash that fits it, by somebody who knows how they are made."""
    row = list(hand.execute(f"SELECT {COLUMNS} FROM audit WHERE number = ?", (number,)).fetchone())
    row[8] = '{"deposit":1}'
    hand.execute("UPDATE audit SET after = ?, hash = ? WHERE number = ?", (row[8], hash_of(tuple(row[:11])), number))
    return {f"row {number + 1} does not follow row {number} as it is now"}


def remove(hand: apsw.Connection, number: int, _chance: random.Random) -> set[str]:
    """A row is gone."""
    hand.execute("DELETE FROM audit WHERE number = ?", (number,))
    return {f"row {number} is missing"}


def swap(hand: apsw.Connection, number: int, _chance: random.Random) -> set[str]:
    """Two neighbours change places."""
    for before, after in ((number, -1), (number + 1, number), (-1, number + 1)):
        hand.execute("UPDATE audit SET number = ? WHERE number = ?", (after, before))
    return {f"row {number} was changed", f"row {number + 1} was changed"}


Forgery = Callable[[apsw.Connection, int, random.Random], set[str]]
ALL: tuple[Forgery, ...] = (change, change_the_moment, forge, remove, swap)


def test_a_chain_that_nobody_touched_is_whole(chain: Path) -> None:
    with forger(chain) as hand:
        assert list(breaks(reading(hand))) == []
        assert head(reading(hand))[0] == LENGTH


@pytest.mark.parametrize("walk", range(FORGERIES // AT_ONCE))
def test_each_of_a_hundred_forgeries_is_seen(chain: Path, walk: int) -> None:
    chance = random.Random(walk)
    apart = LENGTH // AT_ONCE
    with forger(chain) as hand:
        expected: set[str] = set()
        for place in range(AT_ONCE):
            number = place * apart + chance.randrange(2, apart - 2)
            expected |= ALL[(walk * AT_ONCE + place) % len(ALL)](hand, number, chance)
        found = set(breaks(reading(hand)))
        assert expected <= found
        assert len(found) <= 5 * AT_ONCE  # neighbours who changed places break five things


@pytest.mark.parametrize("forgery", [change_the_moment, remove], ids=lambda forgery: forgery.__name__)
def test_the_first_and_the_last_row_are_guarded_too(chain: Path, forgery: Forgery) -> None:
    with forger(chain) as hand:
        for number in (1, LENGTH):
            forgery(hand, number, random.Random(1))
        found = " ".join(breaks(reading(hand)))
        assert "row 1 " in found
        assert f"row {LENGTH} " in found


def test_rows_cut_off_the_end_are_missed(short: Path) -> None:
    with forger(short) as hand:
        hand.execute("DELETE FROM audit WHERE number > ?", (SHORT - 50,))
        assert list(breaks(reading(hand))) == [f"the head is row {SHORT} and the rows end with {SHORT - 50}"]


def test_who_also_forges_the_head_is_found_by_what_is_known_elsewhere(short: Path) -> None:
    with forger(short) as hand:
        known = dict([head(reading(hand))])
        hand.execute("DELETE FROM audit WHERE number > ?", (SHORT - 50,))
        (last,) = hand.execute("SELECT hash FROM audit WHERE number = ?", (SHORT - 50,)).fetchone()
        hand.execute("UPDATE audit_head SET number = ?, hash = ?", (SHORT - 50, last))
        assert list(breaks(reading(hand))) == []
        assert list(breaks(reading(hand), known)) == [f"row {SHORT} is known from elsewhere and is not here"]


def test_who_computes_the_whole_chain_anew_is_found_by_what_is_known_elsewhere(short: Path) -> None:
    with forger(short) as hand:
        known = dict([head(reading(hand))])
        (prev_hash,) = hand.execute("SELECT prev_hash FROM audit WHERE number = ?", (SHORT - 2,)).fetchone()
        for row in hand.execute(f"SELECT {COLUMNS} FROM audit WHERE number > ?", (SHORT - 3,)).fetchall():
            values = (*row[:5], "another deed", *row[6:10], prev_hash)
            forged = ("another deed", prev_hash, hash_of(values), row[0])
            hand.execute("UPDATE audit SET action = ?, prev_hash = ?, hash = ? WHERE number = ?", forged)
            prev_hash = hash_of(values)
        hand.execute("UPDATE audit_head SET hash = ?", (prev_hash,))
        assert list(breaks(reading(hand))) == []
        assert list(breaks(reading(hand), known)) == [f"row {SHORT} is not the one that is known from elsewhere"]


@pytest.mark.parametrize("sql", ["UPDATE audit SET who = 'nobody' WHERE number = 5", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_a_row(short: Path, sql: str) -> None:
    with closing(open_file(short)) as hand, pytest.raises(apsw.ConstraintError, match="final"):
        hand.execute(sql)


def test_rows_are_found_by_subject_by_who_acted_and_from_a_moment_on(short: Path) -> None:
    with forger(short) as hand:
        read = reading(hand)
        mine = list(rows(read, subject="user:5", who="7", since_ms=1_790_000_000_000 + SHORT - 200))
        assert [row.number % 97 for row in mine] == [5] * len(mine) != []
        assert list(rows(read, who="8")) == []
