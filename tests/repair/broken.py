"""Installations that something went wrong with: real services, and what an older version or a lost message left."""

from collections.abc import Callable

import apsw
import psycopg

from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.storage.sqlite.store import SqliteStore, open_file
from gbike.run.embedded import Embedded
from tests.support import Client

LEFT_PENDING = "INSERT INTO rents (userid, bikeid, status, deadline_ms) VALUES (3, 3, 'pending', 0) RETURNING rentid"
HEARD = "INSERT INTO inbox (message_id, at_ms) VALUES (?, 1) ON CONFLICT DO NOTHING"
SILENT = ("user_deposit", "bike_manager")


async def execute(house: Embedded, service: str, sql: str, params: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Change a store by hand; answers the statement's rows."""
    return await house.part(service).store.write(lambda tx: list(tx.all(sql, params)))


async def day(house: Embedded) -> Client:
    """Three bikes and one settled ride."""
    client = Client(house.app)
    for number in (1, 2, 3):
        assert (await client.post("/bikes", {"bikeid": number})).status == 201
    await ride(client, 1)
    await house.settle()
    return client


async def ride(client: Client, number: int) -> int:
    """Rider `number` rides bike `number`."""
    rent = await client.post("/rents", {"userid": number, "bikeid": number})
    assert rent.status == 201
    await client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": "there"})
    return int(rent.json["rentid"])


async def a_lost_bike(house: Embedded) -> None:
    """The reservation did not see the tombstone, nor the release the reservation: the rent is cancelled, its
    tombstone is there, and the bike carries its number."""
    await day(house)
    ((rentid,),) = await execute(house, "rent", LEFT_PENDING)
    await house.settle()  # the sweeper cancels it, and bike hears that
    await execute(house, "bike", "UPDATE bikes SET rentid = ? WHERE bikeid = 3 RETURNING 1", (rentid,))


async def messages_that_were_not_heard(house: Embedded) -> None:
    """Marked as published, and on no bus."""
    client = await day(house)
    await ride(client, 2)
    await execute(house, "rent", "UPDATE outbox SET published_ms = 1 WHERE published_ms IS NULL RETURNING 1")
    await house.settle()


async def postings_that_are_missing(house: Embedded) -> None:
    """A fee, a conversion and a report's points: known to the inbox, and without their effect."""
    client = await day(house)
    assert (await client.post("/bikeManagers", {"userid": 1, "point": 5_000})).status == 201
    for service in SILENT:
        await house.part(service).stop()
    await ride(client, 2)
    report = {"managerid": 1, "bikeid": 1, "batterylevel": 50}
    assert (await client.post("/bikeManageApps", report)).status == 201
    await house.settle()
    house.part("bike_manager").answer(stopped=False)
    assert (await client.put("/bikeManagers/1", {"adjustpoint": 500}, idempotency_key="a")).status == 200
    await _known_without_effect(house, "billing", "CalculatedFee", "user_deposit")
    await _known_without_effect(house, "bike_manage_app", "Reported", "bike_manager")
    await _known_without_effect(house, "bike_manager", "AdjustedPoint", "user_deposit")
    house.part("user_deposit").answer(stopped=False)
    await house.settle()


async def _known_without_effect(house: Embedded, said_by: str, kind: str, hearer: str) -> None:
    for (message_id,) in await execute(house, said_by, "SELECT message_id FROM outbox WHERE type = ?", (kind,)):
        await execute(house, hearer, f"{HEARD} RETURNING 1", (message_id,))


async def a_payment_that_was_not_posted(house: Embedded) -> None:
    """Paid, and in no ledger."""
    await day(house)
    sql = "INSERT INTO payments (paymentid, userid, amount, at_ms, paid_ms) VALUES ('p-1', 1, 700, 1, 2) RETURNING 1"
    await execute(house, "user_deposit", sql)


async def holds_that_an_older_gbike_did_not_know(house: Embedded) -> None:
    """It marked bike 1, and took the mark of bikes 2 and 3; a ticket holds bike 3, too."""
    client = await day(house)
    for path in ("2/holds/staff", "3/holds/staff", "3/holds/ticket-9"):
        assert (await client.put(f"/bikes/{path}", {"reason": "the brake"})).status == 200
    marked = "CASE WHEN held = 0 THEN 1 ELSE 0 END"
    await execute(house, "bike", f"UPDATE bikes SET held = {marked}, version = version + 1 RETURNING 1")
    await house.settle()


Back = Callable[[], None]
"""Puts a store back to what it was."""


def kept(house: Embedded, service: str) -> Back:
    """Keep a service's store as it is now, as a backup would."""
    store: object = house.part(service).store
    if isinstance(store, PostgresStore):
        return _kept_in_database(house._urls[service])  # type: ignore[attr-defined]
    assert isinstance(store, SqliteStore)
    writer, then = store._writer, open_file(None)
    _copied(writer, then)
    return lambda: _copied(then, writer)


def _copied(source: apsw.Connection, target: apsw.Connection) -> None:
    with target.backup("main", source, "main") as pages:
        pages.step()


def _kept_in_database(url: str) -> Back:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept")
        tables = [row[0] for row in connection.execute(_TABLES)]
        back = ["SET session_replication_role = replica"]  # or the ledger refuses, as it should
        for table in tables:
            connection.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}")  # type: ignore[arg-type]
            back.append(f"DELETE FROM public.{table}")
            back.append(f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{table}")
        for name, last in connection.execute("SELECT sequencename, last_value FROM pg_sequences"):
            back.append(f"SELECT setval('{name}', {last or 1}, {str(last is not None).lower()})")

    def put_back() -> None:
        with psycopg.connect(url) as connection:
            connection.execute("; ".join(back))  # type: ignore[arg-type]

    return put_back


_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'commits')"
)
