"""Keys of requests, housekeeping, pages of collections and migrations."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gbike.kit.auth.principal import IdempotencyKey
from gbike.kit.storage.idempotency import KeyInFlight, KeyReused, Replay, hashes_of, hold, idempotent, keep, release
from gbike.kit.storage.listing import Found, Listing, Page, list_page, narrowed
from gbike.kit.storage.migrations.migrate import in_memory, migrate, newest, version_of
from gbike.kit.storage.retention import BATCH, DAY_MS, FLOOR, TURN_MS, Housekeeper
from gbike.kit.storage.sqlite.store import open_file
from gbike.kit.store import Tx
from gbike.run.embedded import Embedded
from gbike.services.rent.storage import VERSIONS
from tests.kit.floor import Rang, SetClock, a_store, fold, note, words


def a_key(body: str = "b1", key: str = "k") -> IdempotencyKey:
    """A request's key."""
    return IdempotencyKey(key, body, lambda value: (201, f'"{value}"'.encode(), b"{}"))


def under(key: IdempotencyKey, fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` in a request with this key."""

    def keyed(tx: Tx, *args: Any) -> Any:
        tx.key = key
        return fn(tx, *args)

    return keyed


async def test_the_same_request_has_its_effect_once_and_the_same_answer() -> None:
    store = a_store(run_twice=True)
    assert await store.write(under(a_key(), idempotent(note)), "a") == 1
    for _ in range(2):
        with pytest.raises(Replay) as kept:
            await store.write(under(a_key(), idempotent(note)), "b")
        assert (kept.value.status, kept.value.content) == (201, b'"1"')
    assert await words(store) == ["a"]


async def test_a_key_with_another_body_is_refused_and_another_key_is_another_request() -> None:
    store = a_store()
    await store.write(under(a_key(), idempotent(note)), "a")
    with pytest.raises(KeyReused):
        await store.write(under(a_key("b2"), idempotent(note)), "b")
    await store.write(under(a_key("b2", "k2"), idempotent(note)), "b")
    await store.write(idempotent(note), "c")
    assert await words(store) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"a":1,"b":[2,{"c":3}]}', b' {"b": [2.0, {"c": 3e0}], "a": 1}', True),
        (b'{"a":1}', b'{"a":"1"}', False),
        (b'{"a":[1,2]}', b'{"a":[2,1]}', False),
        (b'{"a":null}', b"{}", False),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992.0}', False),
        (b"no JSON", b"no  JSON", False),
        (b"\xff", b"\xff", True),
        (b"[" * 100_000, b"[" * 100_000, True),
        (b'{"a":1e999}', b'{"a":1e999}', True),
        (b"", b"{}", False),
    ],
)
def test_the_same_request_is_the_one_whose_body_means_the_same(one: bytes, other: bytes, same: bool) -> None:
    assert (hashes_of(one)[0] == hashes_of(other)[0]) is same


async def test_a_refused_request_keeps_no_key() -> None:
    store = a_store()

    def refuse(tx: Tx) -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await store.write(under(a_key(), idempotent(refuse)))
    assert await store.write(under(a_key(), idempotent(note)), "a") == 1


async def test_a_key_is_held_while_its_request_is_under_way_and_free_when_it_is_given_up() -> None:
    store = a_store()
    await store.write(under(a_key(), hold))
    with pytest.raises(KeyInFlight):
        await store.write(under(a_key(), hold))
    with pytest.raises(KeyReused):
        await store.write(under(a_key("b2"), hold))
    await store.write(release, "k")
    await store.write(under(a_key(), hold))
    await store.write(under(a_key(), keep), 5)
    await store.write(release, "k")  # what was answered is not let go
    with pytest.raises(Replay):
        await store.write(under(a_key(), hold))


async def test_what_is_old_enough_is_removed_a_bite_at_a_time_and_nothing_else() -> None:
    clock = SetClock(100 * DAY_MS)
    store = a_store(clock=clock)
    outbox, inbox, keys = (clock.at_ms - keeping.keep_ms - 1 for keeping in FLOOR)

    def fill(tx: Tx) -> None:
        row = "INSERT INTO outbox (message_id, type, key, headers, value, published_ms) VALUES (?, 'x', 'x', '', '', ?)"
        tx.execute_many(row, [(f"o{n}", outbox) for n in range(BATCH + 5)])
        tx.execute_many(row, [("young", outbox + 1), ("waiting", None)])
        tx.execute_many("INSERT INTO inbox (message_id, at_ms) VALUES (?, ?)", [("old", inbox), ("young", inbox + 1)])
        tx.execute_many(
            "INSERT INTO idempotency (key, body_hash, status, at_ms) VALUES (?, '', ?, ?)",
            [("old", 201, keys), ("young", 201, keys + 1)],
        )

    await store.write(fill)
    keeper = Housekeeper(store, clock)
    assert [await keeper.step(), await keeper.step()] == [1, 0], "what no hour tells of yet stays"
    await fold(store, clock)
    assert [await keeper.step(), await keeper.step(), await keeper.step()] == [BATCH + 1, 5, 0]
    for table, column, kept in (
        ("outbox", "message_id", ["waiting", "young"]),
        ("inbox", "message_id", ["young"]),
        ("idempotency", "key", ["young"]),
    ):
        rows = await store.read(lambda read, t=table, c=column: read.all(f"SELECT {c} FROM {t} ORDER BY {c}"))  # type: ignore[misc]
        assert [row[0] for row in rows] == kept


async def test_a_round_takes_as_many_bites_as_are_wanted_and_then_rests() -> None:
    clock = SetClock(100 * DAY_MS)
    store = a_store(clock=clock)

    def fill(tx: Tx, published: list[int]) -> None:
        row = (
            "INSERT INTO outbox (message_id, type, key, headers, value, published_ms) VALUES ('o', 'x', 'x', '', '', ?)"
        )
        tx.execute_many(row, [(at_ms,) for at_ms in published])

    a_minute = 50 * 60 * 2  # two messages a ride
    await store.write(fill, [0] * a_minute)
    await store.write(fill, [93 * DAY_MS + n for n in range(100)])  # these grow old one by one
    await fold(store, clock)
    keeper = Housekeeper(store, clock)
    assert [await keeper.tidy() for _ in range(7)] == [1, 1, 1, 1, 1, 1, 0]
    clock.at_ms += 10
    assert await keeper.tidy() == 0  # a few rows are not worth a transaction each
    assert await store.read(lambda read: read.one("SELECT count(*) FROM outbox")) == (90,)


async def test_the_worker_of_every_service_rests_when_no_bite_was_full() -> None:
    whole = Embedded(None, {}, clock=(clock := SetClock(100 * DAY_MS)))
    for part in whole.parts.values():
        [keeper] = [worker for worker in part.running.workers if worker.name == "housekeeper"]
        await part.store.write(lambda tx: tx.execute("INSERT INTO inbox (message_id, at_ms) VALUES ('old', 0)"))
        await fold(part.store, clock)
        assert (await keeper.step(), keeper.pause_ms) == (0, TURN_MS)
        assert await part.store.read(lambda read: read.all("SELECT * FROM inbox")) == []
    assert clock.at_ms == 100 * DAY_MS


async def test_a_new_outbox_row_after_a_purge_has_a_number_nobody_had() -> None:
    clock = SetClock(100 * DAY_MS)
    store = a_store(clock=clock)
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    await store.write(lambda tx: tx.execute("UPDATE outbox SET published_ms = 0"))
    await fold(store, clock)
    assert await Housekeeper(store, clock).step() == 1
    await store.write(lambda tx: tx.publish(Rang(number=2)))
    assert await store.read(lambda read: read.all("SELECT id FROM outbox")) == [(2,)]


WORDS = Listing(
    "SELECT id, word FROM notes",
    {"word": "word", "size": "length(word)"},
    "id",
    counters=("notes",),
    make=itemgetter(1),
    conditions={
        "least": "length(word) >= ?",
        "kind": {"round": "word IN ('fig', 'plum')", "long": "(word = 'pear' OR word = 'kiwi')"},
        "like": lambda text: ("word LIKE ? ESCAPE '!'", (f"{text}%",)),
    },
)


async def listed(page: Page, **wanted: object) -> Found:
    """A page of five words, or of those that are wanted."""
    store = a_store()

    def fill(tx: Tx) -> None:
        for word in ("pear", "fig", "apple", "kiwi", "plum"):
            note(tx, word)
            tx.count("notes")

    await store.write(fill)
    return await list_page(store, narrowed(WORDS, wanted), page)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (Page(), ["pear", "fig", "apple", "kiwi", "plum"]),
        (Page(0, 2), ["pear", "fig"]),
        (Page(2, 2), ["plum"]),
        (Page(9, 2), []),
        (Page(0, 2, (("word", False),)), ["apple", "fig"]),
        (Page(0, 2, (("word", True),)), ["plum", "pear"]),
        (Page(0, 9, (("size", False), ("word", True))), ["fig", "plum", "pear", "kiwi", "apple"]),
        (Page(0, 2, (("id; DROP TABLE notes", False), ("nonsense", True))), ["pear", "fig"]),
    ],
)
async def test_a_page_is_sorted_by_what_it_names_and_nothing_else(page: Page, found: list[str]) -> None:
    assert await listed(page) == Found(found, 5)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"least": 4}, ["pear", "apple", "kiwi", "plum"]),
        ({"kind": "round"}, ["fig", "plum"]),
        ({"kind": "long", "least": 4, "like": "k"}, ["kiwi"]),
        ({"like": "p"}, ["pear", "plum"]),
        ({"like": "'; DROP TABLE notes"}, []),
    ],
)
async def test_a_list_has_what_every_filter_lets_through_and_counts_that(
    wanted: dict[str, object], found: list[str]
) -> None:
    assert await listed(Page(), **wanted) == Found(found, len(found))
    assert (await listed(Page(0, 1), **wanted)).total == len(found)


def test_what_is_narrowed_to_a_time_is_in_its_order() -> None:
    timed = replace(WORDS, order="id DESC", moment="at", conditions={"from": "at >= ?"})
    assert narrowed(timed, {"from": 7}).order == "at DESC, id DESC"
    assert narrowed(timed, {}).order == "id DESC"


async def test_a_list_refuses_a_filter_that_it_does_not_know() -> None:
    with pytest.raises(KeyError):
        await listed(Page(), colour="red")


async def test_more_rows_than_anybody_goes_through_are_counted_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbike.kit.storage.listing.MOST_COUNTED", 3)
    assert await listed(Page(0, 2), least=4) == Found(["pear", "apple"], 3, more=True)
    assert await listed(Page(0, 2), kind="round") == Found(["fig", "plum"], 2)


def test_the_newest_schema_costs_no_import_of_alembic(tmp_path: Path) -> None:
    path = tmp_path / "rent.sqlite"
    assert migrate(path, VERSIONS)
    code = (
        "import sys; from pathlib import Path; from gbike.kit.storage.migrations.migrate import migrate;"
        f" print(migrate(Path({str(path)!r}), Path({str(VERSIONS)!r})), 'alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False False"


def test_a_schema_grows_and_keeps_what_was_there(tmp_path: Path) -> None:
    versions, path = tmp_path / "versions", tmp_path / "rent.sqlite"
    versions.mkdir()
    for file in VERSIONS.glob("*.py"):
        (versions / file.name).write_text(file.read_text("utf-8"), "utf-8")
    assert version_of(path) is None
    assert migrate(path, versions)
    with closing(open_file(path)) as connection:
        connection.execute("INSERT INTO rents (userid, bikeid, status, deadline_ms) VALUES (1, 1, 'rented', 5)")
    before = newest(versions)
    (versions / "9999_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = '9999', {before!r}\n"
        "def upgrade() -> None:\n    op.add_column('rents', sa.Column('mood', sa.Text))\n"
    )
    assert migrate(path, versions)
    assert not migrate(path, versions)
    assert version_of(path) == "9999"
    with closing(open_file(path)) as connection:
        assert connection.execute("SELECT userid, mood FROM rents").fetchall() == [(1, None)]


def test_a_store_in_memory_has_the_schema_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rent.sqlite"
    migrate(path, VERSIONS)
    sql = "SELECT name, sql FROM sqlite_master ORDER BY name"
    with closing(open_file(path)) as file, closing(in_memory(VERSIONS)) as memory:
        assert file.execute(sql).fetchall() == memory.execute(sql).fetchall()
