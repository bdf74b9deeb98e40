"""Bugs of the money: what is posted twice, priced otherwise, given back without end, or asked for at a return."""

from dataclasses import replace
from typing import Any

import pytest

from dev.simulation.seams import Seam, replaced
from gbike.kit.storage.batching import Left
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Tx
from gbike.services.billing import storage as bills
from gbike.services.billing.domain import Tariff
from gbike.services.rent import domain as riding
from gbike.services.rent import storage as rents
from gbike.services.user_deposit import commands as paying


def once_more(tx: Tx, table: str, cause: str) -> str:
    """A cause that is another one when it is met again."""
    return cause + ":0" * len(tx.all(f"SELECT 1 FROM {table} WHERE cause = ?", (cause,)))


def posted_again(kind: str) -> Seam:
    """What is posted for causes of a kind is posted each time it is met."""

    def change(tx: Tx, posting: Any, *more: Any) -> tuple[Any, ...]:
        again = once_more(tx, "entries", posting.cause) if posting.cause.startswith(kind) else posting.cause
        return tx, replace(posting, cause=again), *more

    return replaced(
        paying,
        "post",
        lambda original: lambda tx, posting, *more, **named: original(*change(tx, posting, *more), **named),
    )


def by_the_return(original: Any) -> Any:
    """A fee by the tariff that is valid when the ride ends."""

    def charge(first: Any, tx: Tx, published: Any) -> None:
        valid = bills.valid_tariff(tx, published.endtime)
        assert valid is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Tariff, "parse", lambda _text: valid.tariff)
            original(first, tx, published)

    return charge


def halted_for_ever(original: Any) -> Any:
    """A rider who is blocked can't return a bike."""

    def give_back(tx: Tx, rentid: int, *args: Any) -> Any:
        row = tx.one("SELECT userid FROM rents WHERE rentid = ?", (rentid,))
        known = rents.standing(tx, row[0]) if row else None
        if row and known and riding.STAFF in known.reasons:
            raise riding.RiderBlocked(row[0], known.reasons)
        return original(tx, rentid, *args)

    return give_back


def whatever_is_left(_original: Any) -> Any:
    """A correction that does not look at what is left of the fee."""

    def give_back(tx: Tx, billid: int, amount: int) -> int:
        row = tx.one("UPDATE bills SET refunded = refunded + ? WHERE billid = ? RETURNING refunded", (amount, billid))
        return int(row[0]) if row else 0

    return give_back


def _gap(original: Any) -> Any:
    """A balance that is wrong for the length of one commit, once in the life of a store."""

    async def commit(store: SqliteStore, left: Left) -> None:
        turn = vars(store).get("turn", 0) + (store.source == "user_deposit")
        amount = {30: 1, 31: -1}.get(turn)
        if amount and turn != vars(store).get("turn"):
            store._writer.execute("UPDATE deposits SET balance = balance + ?", (amount,))
        vars(store)["turn"] = turn
        await original(store, left)

    return commit


LEAVES_A_GAP: Seam = replaced(SqliteStore, "_commit", _gap)
"""Balances are not their entries' sums after one commit, and are again after the next."""
