"""Is the ledger right, all the time? It is looked at a bite at a time: who moved money last, and who is next in turn.

A whole look is `gbike verify`'s; it grows with the ledger, and this must not.
"""

from collections.abc import Mapping

from gbike.kit.store import Reading, Store

BITE = 100
"""Riders of a look in turn, and entries of the newest ones: one statement of some ms, the riders' entries being few."""
MOST_KEPT = 10_000
"""Riders remembered as wrong. More of them make nothing worse for whoever is called."""


class Drift:
    """Goes round the ledger and remembers who was found wrong until he is found right."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rider: int | None = None
        self._entry: int | None = None
        self._wrong: dict[int, int] = {}

    async def look(self) -> int:
        """Look at the next bite; answers by how many won all that is known is wrong (0: right)."""
        newest = await self._store.scan(_newest, self._entry)
        self._entry = newest[0]
        in_turn = await self._store.scan(_in_turn, self._rider)
        self._rider = in_turn[-1] if len(in_turn) == BITE else None
        for rider, won in (await self._store.scan(drift, [*newest[1], *in_turn])).items():
            if not won:
                self._wrong.pop(rider, None)
            elif rider in self._wrong or len(self._wrong) < MOST_KEPT:
                self._wrong[rider] = won
        return sum(self._wrong.values())


def drift(read: Reading, riders: list[int]) -> Mapping[int, int]:
    """By how many won each of some riders is wrong: what a balance differs from its entries (I12), and what the other
    sides of these entries leave over (I11)."""
    if not riders:
        return {}
    rows = read.all(
        "SELECT d.userid, abs(d.balance - coalesce(sum(e.amount), 0))"
        " + coalesce(sum(abs(e.amount + coalesce(o.amount, 0))), 0) FROM deposits d"
        " LEFT JOIN entries e ON e.account = 'user:' || d.userid"
        " LEFT JOIN entries o ON o.cause = e.cause AND o.account <> e.account"
        f" WHERE d.userid IN ({', '.join('?' * len(riders))}) GROUP BY d.userid, d.balance",
        riders,
    )
    return {row[0]: int(row[1]) for row in rows}


def _newest(read: Reading, after: int | None) -> tuple[int, list[int]]:
    """The newest entry's number, and the riders of the newest entries after that one; the first look is from now on."""
    rows = read.all("SELECT entryid, account FROM entries ORDER BY entryid DESC LIMIT ?", (BITE,))
    riders = [account[5:] for number, account in rows if number > (after or 0) and account.startswith("user:")]
    return (rows[0][0] if rows else 0), [int(rider) for rider in dict.fromkeys(riders)]


def _in_turn(read: Reading, after: int | None) -> list[int]:
    where, params = ("", ()) if after is None else ("WHERE userid > ?", (after,))
    return [row[0] for row in read.all(f"SELECT userid FROM deposits {where} ORDER BY userid LIMIT ?", (*params, BITE))]
