"""Who is signed in, who tried to, and the ways back for those who forgot their password."""

from gbike.contracts.account import EndedSessions
from gbike.kit.clock import is_ahead
from gbike.kit.ids import Ids
from gbike.kit.store import Store, Tx
from gbike.services.account.domain import Account, Credentials, Patience, Try
from gbike.services.account.storage import recovery
from gbike.services.account.storage.rows import FRESH, load
from gbike.services.account.storage.secrets import kept
from gbike.services.account.storage.token_version import raise_token_version


class SqlSessions:
    """Sessions (ports) over a Store."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids

    async def count(self, one: Try, patience: Patience) -> int:
        """See Sessions.count."""
        return await self._store.write(count, one, patience, key="tries")

    async def forgive(self, one: Try) -> None:
        """See Sessions.forgive."""
        await self._store.write(forget_tries, one, key="tries")

    async def start(
        self, known: Credentials, step: int | str | None, refresh_token: str, lasts_ms: int, one: Try
    ) -> bool:
        """See Sessions.start."""
        family = self._ids.new()
        return await self._store.write(
            start, known, step, family, kept(refresh_token), lasts_ms, one, key=f"account:{known.account.userid}"
        )

    async def renew(self, refresh_token: str, next_token: str, lasts_ms: int) -> Account | None:
        """See Sessions.renew."""
        return await self._store.write(renew, kept(refresh_token), kept(next_token), lasts_ms, key="renewals")

    async def end(self, refresh_token: str) -> None:
        """See Sessions.end."""
        await self._store.write(end, kept(refresh_token), key="renewals")


def count(tx: Tx, one: Try, patience: Patience) -> int:
    """Count a try under its contact and its origin; answers 0, or the seconds to wait."""
    limits = {name: (patience.of_contact, patience.of_origin)[at] for at, name in enumerate(_names(one)) if name}
    for name in limits:
        tx.lock(_tries(name))
    rows = {name: tx.one("SELECT failures, since_ms, until_ms FROM tries WHERE whose = ?", (name,)) for name in limits}
    waits = [row[2] for row in rows.values() if row and is_ahead(row[2], tx.now_ms, patience.window_ms)]
    if waits:
        return _seconds(max(waits) - tx.now_ms)
    wait_ms = 0
    for name, most in limits.items():
        row = rows[name]
        counts = row is not None and is_ahead(row[1] + patience.window_ms, tx.now_ms, patience.window_ms)
        failures, since_ms = (row[0], row[1]) if row and counts else (0, tx.now_ms)
        too_many = failures >= most
        wait_ms = patience.window_ms if too_many else wait_ms
        tx.execute(
            "INSERT INTO tries (whose, failures, since_ms, until_ms) VALUES (?, ?, ?, ?) ON CONFLICT (whose) DO UPDATE"
            " SET failures = excluded.failures, since_ms = excluded.since_ms, until_ms = excluded.until_ms",
            (name, 0 if too_many else failures + 1, since_ms, tx.now_ms + patience.window_ms if too_many else 0),
        )
    if wait_ms:
        _record_lock(tx, one, _seconds(wait_ms))
    return _seconds(wait_ms)


def forget_tries(tx: Tx, one: Try) -> None:
    """The contact's failures are forgotten, and this one of the origin."""
    contact, origin = _names(one)
    for name in filter(None, (contact, origin)):
        tx.lock(_tries(name))
    tx.execute("DELETE FROM tries WHERE whose = ?", (contact,))
    tx.execute("UPDATE tries SET failures = failures - 1 WHERE whose = ? AND failures > 0", (origin,))


def start(tx: Tx, known: Credentials, step: int | str | None, family: str, token: str, lasts_ms: int, one: Try) -> bool:
    """Begin a session, if password and code (of a step, or a recovery code) are good in this very transaction."""
    userid = known.account.userid
    as_before = "WHERE userid = ? AND password_hash = ? AND codes_wanted = ?"
    seen = (userid, known.password_hash, int(known.account.codes_wanted))
    if step is None:
        good = tx.execute(f"UPDATE accounts SET last_step = last_step {as_before}", seen)
    elif isinstance(step, str):
        as_before = f"UPDATE accounts SET last_step = last_step {as_before} AND sealed = ?"
        good = tx.execute(as_before, (*seen, known.sealed)) and recovery.use(tx, userid, step)
    else:
        as_before += f" AND sealed = ? AND {FRESH}"
        good = tx.execute(f"UPDATE accounts SET last_step = ? {as_before}", (step, *seen, known.sealed, step, step))
    if not good:
        return False
    forget_tries(tx, one)
    expires_ms = tx.now_ms + lasts_ms
    tx.execute("INSERT INTO sessions (family, userid, expires_ms) VALUES (?, ?, ?)", (family, userid, expires_ms))
    _keep(tx, token, family, expires_ms)
    return True


def renew(tx: Tx, token: str, next_token: str, lasts_ms: int) -> Account | None:
    """One token for the next; a used one ends its session."""
    row = tx.one("SELECT family FROM refresh_tokens WHERE token = ?", (token,))
    if row is None:
        return None
    (family,) = row
    # The session's row is ours from here on: neither another renewal nor whoever ends sessions passes.
    found = tx.one(
        "UPDATE sessions SET expires_ms = expires_ms WHERE family = ? AND ended_ms IS NULL"
        " RETURNING userid, expires_ms",
        (family,),
    )
    if found is None or not is_ahead(found[1], tx.now_ms, lasts_ms):
        return None
    fresh = tx.execute("UPDATE refresh_tokens SET used_ms = ? WHERE token = ? AND used_ms IS NULL", (tx.now_ms, token))
    if not fresh:
        _end(tx, family)
        return None
    _keep(tx, next_token, family, found[1])
    return load(tx, found[0])


def end(tx: Tx, token: str) -> None:
    """End the session of a token."""
    row = tx.one("SELECT family FROM refresh_tokens WHERE token = ?", (token,))
    if row is not None:
        _end(tx, row[0])


def end_sessions(tx: Tx, userid: int) -> None:
    """End every session of an account, and say so: their access tokens are refused from then on."""
    tx.execute("UPDATE sessions SET ended_ms = ? WHERE userid = ? AND ended_ms IS NULL", (tx.now_ms, userid))
    tx.say(EndedSessions(userid=userid, tokenversion=raise_token_version(tx, userid)))


def _record_lock(tx: Tx, one: Try, wait_s: int) -> None:
    """Too many tries: whose, where that is somebody's contact."""
    whose = "SELECT userid FROM accounts WHERE normal = ? UNION ALL SELECT userid FROM contact_proofs WHERE normal = ?"
    row = tx.one(f"{whose} LIMIT 1", (one.contact, one.contact)) if one.contact else None
    if row is not None:
        tx.audit("account locked", f"user:{row[0]}", after={"wait_s": wait_s})


def _end(tx: Tx, family: str) -> None:
    tx.execute("UPDATE sessions SET ended_ms = ? WHERE family = ? AND ended_ms IS NULL", (tx.now_ms, family))


def _keep(tx: Tx, token: str, family: str, expires_ms: int) -> None:
    tx.execute("INSERT INTO refresh_tokens (token, family, expires_ms) VALUES (?, ?, ?)", (token, family, expires_ms))


def _names(one: Try) -> tuple[str, str]:
    """What a try is counted under; nothing that tells the contact."""
    return (kept(f"contact {one.contact}") if one.contact else "", kept(f"origin {one.origin}") if one.origin else "")


def _tries(name: str) -> str:
    return f"tries:{name}"


def _seconds(ms: int) -> int:
    return -(-ms // 1000)
