"""Who tries to get in, and how often it failed.

A try is put down as under way before it is judged (`attempts`), so that guesses at once are no more than guesses one
after the other; only one that was judged wrong becomes a failure (`tries`). One that never ended, as its process was
killed, stops counting after UNDER_WAY_MS. Both name contact and client by a hash.

`tries` under a contact and client: failures in a row, the last one's moment, and until when there is a wait. Under a
pace: `until_ms` is when all that was taken is given back (the theoretical arrival time of GCRA).
"""

from asyncio import Future
from contextlib import suppress

from gbike.kit.clock import is_ahead
from gbike.kit.ids import Ids
from gbike.kit.store import Store, StoreUnavailable, Tx
from gbike.services.account.domain import (
    Attempt,
    Pace,
    Patience,
    TooManyAtOnce,
    TooManyResets,
    TooManySignUps,
    TooManyTries,
    Try,
)
from gbike.services.account.storage.secrets import kept

UNDER_WAY_MS = 60_000
"""Longer than any try takes; whatever is older was never ended."""
_REFUSED = {"sign-up": TooManySignUps, "reset": TooManyResets}
_KEEP = (
    "INSERT INTO tries (whose, failures, since_ms, until_ms) VALUES (?, ?, ?, ?) ON CONFLICT (whose) DO UPDATE"
    " SET failures = excluded.failures, since_ms = excluded.since_ms, until_ms = excluded.until_ms"
)


class SqlTries:
    """Tries (ports) over a Store."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids

    async def begin(self, one: Try, patience: Patience) -> Attempt:
        """See Tries.begin."""
        return await self._store.write(begin, self._ids.new(), one, patience, key="tries")

    async def fail(self, attempt: Attempt, patience: Patience) -> None:
        """See Tries.fail."""
        await self._store.write(fail, attempt, patience, key="tries")

    async def succeed(self, attempt: Attempt, userid: int) -> None:
        """See Tries.succeed."""
        await self._store.write(succeed, attempt, userid, key="tries")

    def drop(self, attempt: Attempt) -> None:
        """See Tries.drop. If it can't be kept it stops counting by itself."""
        with suppress(StoreUnavailable):
            self._store.write_later(drop, attempt).add_done_callback(_whatever_came)

    async def take(self, what: str, client: str, pace: Pace) -> None:
        """See Tries.take."""
        await self._store.write(take, what, client, pace, key="tries")

    def give_back(self, what: str, client: str, pace: Pace) -> None:
        """See Tries.give_back. If it can't be kept, it is given back later with everything else."""
        with suppress(StoreUnavailable):
            self._store.write_later(give_back, what, client, pace).add_done_callback(_whatever_came)


def begin(tx: Tx, id: str, one: Try, patience: Patience) -> Attempt:
    """Put a try down as under way. Raises TooManyTries while there is a wait, TooManyAtOnce when as many are under way
    as may fail before there is one."""
    pair = _pair(one)
    tx.lock(_lock(pair))  # before the look whether the client is known: whoever makes it known has this lock
    attempt = Attempt(id, one.contact, one.client, _knows(tx, one))
    paces = _paces(attempt, patience)
    for name in paces:
        tx.lock(_lock(name))
    failures, until_ms = _failures(tx, pair, patience)
    waits = [until_ms - tx.now_ms]
    left = {pair: max(1, patience.free - failures)}
    for name, pace in paces.items():
        taken_ms = _taken_ms(tx, name, pace)
        waits.append(taken_ms + pace.each_ms - pace.per_ms)
        left[name] = (pace.per_ms - taken_ms) // pace.each_ms
    if max(waits) > 0:
        raise TooManyTries(_seconds(max(waits)))
    if any(_under_way(tx, name) >= most for name, most in left.items()):
        raise TooManyAtOnce
    for name in left:
        tx.execute("INSERT INTO attempts (id, whose, at_ms) VALUES (?, ?, ?)", (id, name, tx.now_ms))
    return attempt


def fail(tx: Tx, attempt: Attempt, patience: Patience) -> None:
    """The try was wrong: the next ones of its contact and client wait, and the paces that it is part of are slower."""
    pair, paces = _pair(attempt), _paces(attempt, patience)
    for name in (pair, *paces):
        tx.lock(_lock(name))
    drop(tx, attempt)
    failures = _failures(tx, pair, patience)[0] + 1
    tx.execute(_KEEP, (pair, failures, tx.now_ms, tx.now_ms + patience.delay_ms(failures)))
    for name, pace in paces.items():
        until_ms = tx.now_ms + _taken_ms(tx, name, pace) + pace.each_ms
        tx.execute(_KEEP, (name, 0, tx.now_ms, until_ms))
    if failures == patience.free:
        for userid in _accounts_of(tx, attempt.contact):
            tx.audit("account locked", f"user:{userid}", after={"wait_s": _seconds(patience.delay_ms(failures))})


def succeed(tx: Tx, attempt: Attempt, userid: int) -> None:
    """The try was right: its account knows the client, and the failures of contact and client are forgotten, unless
    they may have been guesses at somebody else."""
    # The account's row comes first, as for all who write what is kept of an account: an erasure leaves nothing.
    there = tx.execute("UPDATE accounts SET name = name WHERE userid = ? AND erased_ms IS NULL", (userid,))
    pair = _pair(attempt)
    tx.lock(_lock(pair))
    drop(tx, attempt)
    if not set(_accounts_of(tx, attempt.contact)) - {userid}:
        tx.execute("DELETE FROM tries WHERE whose = ?", (pair,))
    if there:
        know(tx, userid, attempt.client)


def drop(tx: Tx, attempt: Attempt) -> None:
    """The try is over, and was neither right nor wrong."""
    tx.execute("DELETE FROM attempts WHERE id = ?", (attempt.id,))


def know(tx: Tx, userid: int, client: str) -> None:
    """Somebody got into this account from there."""
    tx.execute(
        "INSERT INTO households (userid, client, seen_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (userid, client) DO UPDATE SET seen_ms = excluded.seen_ms",
        (userid, _household(userid, client), tx.now_ms),
    )


def forget_households(tx: Tx, userid: int) -> None:
    """No client is known to this account any more."""
    tx.execute("DELETE FROM households WHERE userid = ?", (userid,))


def forget_contact(tx: Tx, contact: str) -> None:
    """Nothing is kept under this contact alone; what is kept under it and a client goes a day later."""
    tx.lock(_lock(_contact(contact)))
    tx.execute("DELETE FROM tries WHERE whose = ?", (_contact(contact),))


def take(tx: Tx, what: str, client: str, pace: Pace) -> None:
    """One more of what everybody may do so often. Raises TooManySignUps or TooManyResets."""
    name = kept(f"{what} {client}")
    tx.lock(_lock(name))
    taken_ms = _taken_ms(tx, name, pace) + pace.each_ms
    if taken_ms > pace.per_ms:
        raise _REFUSED[what](_seconds(taken_ms - pace.per_ms))
    tx.execute(_KEEP, (name, 0, tx.now_ms, tx.now_ms + taken_ms))


def give_back(tx: Tx, what: str, client: str, pace: Pace) -> None:
    """Nothing came of it."""
    tx.lock(_lock(kept(f"{what} {client}")))
    sql = "UPDATE tries SET until_ms = until_ms - ? WHERE whose = ?"
    tx.execute(sql, (pace.each_ms, kept(f"{what} {client}")))


def _whatever_came(done: "Future[None]") -> None:
    if not done.cancelled():
        done.exception()


def _accounts_of(tx: Tx, contact: str) -> list[int]:
    """Who may get in with a contact in its normal form: who has proved it alone, else those who have yet to, a few."""
    waiting = (
        "SELECT userid FROM accounts WHERE contact IS NULL"
        " AND userid IN (SELECT userid FROM contact_proofs WHERE normal = ?)"
    )
    found = tx.all("SELECT userid FROM accounts WHERE normal = ?", (contact,)) or tx.all(waiting, (contact,))
    return [int(row[0]) for row in found]


def _knows(tx: Tx, one: Try) -> bool:
    sql = "SELECT 1 FROM households WHERE userid = ? AND client = ?"
    accounts = _accounts_of(tx, one.contact)
    return any(tx.one(sql, (userid, _household(userid, one.client))) for userid in accounts)


def _failures(tx: Tx, pair: str, patience: Patience) -> tuple[int, int]:
    """The failures in a row, and until when there is a wait. They are forgotten when there was none for as long as the
    longest wait, after their own."""
    row = tx.one("SELECT failures, since_ms, until_ms FROM tries WHERE whose = ?", (pair,))
    if row is None or not is_ahead(row[2] + patience.longest_ms, tx.now_ms, 2 * patience.longest_ms):
        return 0, 0
    return row[0], row[2]


def _taken_ms(tx: Tx, name: str, pace: Pace) -> int:
    """How long it takes until all that was taken is given back, ms."""
    row = tx.one("SELECT until_ms FROM tries WHERE whose = ?", (name,))
    return row[0] - tx.now_ms if row is not None and is_ahead(row[0], tx.now_ms, pace.per_ms) else 0


def _under_way(tx: Tx, name: str) -> int:
    sql = "SELECT count(*) FROM attempts WHERE whose = ? AND at_ms > ? AND at_ms <= ?"
    row = tx.one(sql, (name, tx.now_ms - UNDER_WAY_MS, tx.now_ms + UNDER_WAY_MS))
    return int(row[0]) if row is not None else 0


def _paces(attempt: Attempt, patience: Patience) -> dict[str, Pace]:
    """What a client shares with others, unless the account knows it."""
    if attempt.known:
        return {}
    return {kept(f"client {attempt.client}"): patience.of_client, _contact(attempt.contact): patience.of_contact}


def _pair(one: Try | Attempt) -> str:
    return kept(f"contact {one.contact} client {one.client}")


def _contact(contact: str) -> str:
    return kept(f"contact {contact}")


def _household(userid: int, client: str) -> str:
    return kept(f"household {userid} {client}")


def _lock(name: str) -> str:
    return f"tries:{name}"


def _seconds(ms: int) -> int:
    return -(-ms // 1000)
