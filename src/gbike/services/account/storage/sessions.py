"""Who is signed in: sessions, and the refresh tokens that continue them."""

from gbike.contracts.account import EndedSessions
from gbike.kit.clock import is_ahead
from gbike.kit.ids import Ids
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.account.domain import Attempt, Credentials, Device, Renewal, Session
from gbike.services.account.storage import recovery
from gbike.services.account.storage.rows import FRESH, load
from gbike.services.account.storage.secrets import kept
from gbike.services.account.storage.token_version import raise_token_version
from gbike.services.account.storage.tries import succeed

AGAIN_MS = 60_000
"""How long a token that was replaced answers the same successor: the answer may have been lost on its way."""
MOST_SHOWN = 100
_SHOWN = "family, since_ms, used_ms, client, agent, expires_ms"


class SqlSessions:
    """Sessions (ports) over a Store."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids

    async def start(
        self,
        known: Credentials,
        step: int | str | None,
        refresh_token: str,
        lasts_ms: int,
        begun: tuple[Attempt, Device],
    ) -> str | None:
        """See Sessions.start."""
        family, token = self._ids.new(), kept(refresh_token)
        key = f"account:{known.account.userid}"
        good = await self._store.write(start, known, step, (family, token), lasts_ms, begun, key=key)
        return family if good else None

    async def renew(self, refresh_token: str, salt: str, following: str, lasts_ms: int) -> Renewal | None:
        """See Sessions.renew."""
        return await self._store.write(renew, kept(refresh_token), salt, kept(following), lasts_ms, key="renewals")

    async def end(self, refresh_token: str) -> None:
        """See Sessions.end."""
        await self._store.write(end, kept(refresh_token), key="renewals")

    async def all_of(self, userid: int, only: int | None, now_ms: int) -> list[Session]:
        """See Sessions.all_of."""
        return await self._store.read(all_of, userid, only, now_ms)

    async def end_one(self, userid: int, session: str, only: int | None) -> None:
        """See Sessions.end_one."""
        await self._store.write(end_one, userid, session, only, key=f"account:{userid}")

    async def end_all(self, userid: int, only: int | None) -> None:
        """See Sessions.end_all."""
        await self._store.write(end_all, userid, only, key=f"account:{userid}")


def start(
    tx: Tx,
    known: Credentials,
    step: int | str | None,
    named: tuple[str, str],
    lasts_ms: int,
    begun: tuple[Attempt, Device],
) -> bool:
    """Begin a session, if password and code (of a step, or a recovery code) are good in this very transaction.
    `named`: the session's name, and the hash of its first refresh token."""
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
    (family, token), (attempt, device), expires_ms = named, begun, tx.now_ms + lasts_ms
    succeed(tx, attempt, userid)
    tx.execute(
        "INSERT INTO sessions (family, userid, expires_ms, since_ms, auth_ms, used_ms, client, agent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (family, userid, expires_ms, tx.now_ms, tx.now_ms, tx.now_ms, device.network, device.agent),
    )
    _keep(tx, token, family, expires_ms)
    return True


def renew(tx: Tx, token: str, salt: str, following: str, lasts_ms: int) -> Renewal | None:
    """One token for the next. The one that was just replaced gives the same next one while nobody used that: its answer
    was lost. Any other that was used ends its session."""
    row = tx.one("SELECT family FROM refresh_tokens WHERE token = ?", (token,))
    if row is None:
        return None
    (family,) = row
    # The session's row is ours from here on: neither another renewal nor whoever ends sessions passes.
    found = tx.one(
        "UPDATE sessions SET used_ms = ? WHERE family = ? AND ended_ms IS NULL RETURNING userid, expires_ms, auth_ms",
        (tx.now_ms, family),
    )
    if found is None or not is_ahead(found[1], tx.now_ms, lasts_ms):
        return None
    sql = "UPDATE refresh_tokens SET used_ms = ?, salt = ?, successor = ? WHERE token = ? AND used_ms IS NULL"
    if tx.execute(sql, (tx.now_ms, salt, following, token)):
        # From now on nobody can come from the token before this one to this one, not even with this store.
        tx.execute("UPDATE refresh_tokens SET salt = NULL WHERE successor = ? AND family = ?", (token, family))
        _keep(tx, following, family, found[1])
    else:
        lost = _salt_in_force(tx, token)
        if lost is None:
            _end(tx, "family = ?", family)
            return None
        salt = lost
    return Renewal(load(tx, found[0]), family, None if found[2] is None else found[2] // 1000, salt)


def end(tx: Tx, token: str) -> None:
    """End the session of a token."""
    row = tx.one("SELECT family FROM refresh_tokens WHERE token = ?", (token,))
    if row is not None:
        _end(tx, "family = ?", row[0])


def all_of(read: Reading, userid: int, only: int | None, now_ms: int) -> list[Session]:
    """The sessions of an account that go on, the one used last first. Raises NoSuchAccount."""
    load(read, userid, only)
    rows = read.all(
        f"SELECT {_SHOWN} FROM sessions WHERE userid = ? AND ended_ms IS NULL AND expires_ms > ?"
        f" ORDER BY coalesce(used_ms, 0) DESC, family DESC LIMIT {MOST_SHOWN}",
        (userid, now_ms),
    )
    return [_session(row) for row in rows]


def end_one(tx: Tx, userid: int, session: str, only: int | None) -> None:
    """End one session, if it is this account's and goes on. Access tokens can't be told apart by their session at every
    door, so those of the account's other sessions are refused too; they refresh. Raises NoSuchAccount."""
    _lock_account(tx, userid, only)
    if _end(tx, "family = ? AND userid = ?", session, userid):
        _say_ended(tx, userid)


def end_all(tx: Tx, userid: int, only: int | None) -> None:
    """End every session of an account at its owner's wish, or an admin's. Raises NoSuchAccount."""
    _lock_account(tx, userid, only)
    sessions_end(tx, userid)
    tx.audit("signed out everywhere", f"user:{userid}")


def sessions_end(tx: Tx, userid: int) -> None:
    """End every session of an account: the one place for a new password, an erasure, and signing out everywhere."""
    _end(tx, "userid = ?", userid)
    _say_ended(tx, userid)


def _salt_in_force(tx: Tx, token: str) -> str | None:
    """From what the successor of a used token is made; None: too late, or the successor was used."""
    row = tx.one(
        "SELECT a.salt, a.used_ms FROM refresh_tokens a JOIN refresh_tokens b ON b.token = a.successor"
        " WHERE a.token = ? AND a.salt IS NOT NULL AND b.used_ms IS NULL",
        (token,),
    )
    return row[0] if row is not None and is_ahead(row[1] + AGAIN_MS, tx.now_ms, AGAIN_MS) else None


def _lock_account(tx: Tx, userid: int, only: int | None) -> None:
    """Whoever raises the version of an account's tokens has its row first. Raises NoSuchAccount."""
    load(tx, userid, only)
    tx.execute("UPDATE accounts SET name = name WHERE userid = ?", (userid,))


def _say_ended(tx: Tx, userid: int) -> None:
    """Access tokens that were issued until now are refused from then on."""
    tx.say(EndedSessions(userid=userid, tokenversion=raise_token_version(tx, userid)))


def _end(tx: Tx, which: str, *params: object) -> int:
    """What was kept for the list of sessions goes with it. Answers how many ended."""
    sql = f"UPDATE sessions SET ended_ms = ?, client = NULL, agent = NULL WHERE {which} AND ended_ms IS NULL"
    return tx.execute(sql, (tx.now_ms, *params))


def _keep(tx: Tx, token: str, family: str, expires_ms: int) -> None:
    tx.execute("INSERT INTO refresh_tokens (token, family, expires_ms) VALUES (?, ?, ?)", (token, family, expires_ms))


def _session(row: Row) -> Session:
    family, since_ms, used_ms, client, agent, expires_ms = row
    return Session(family, since_ms, used_ms, Device(client or "", agent or ""), expires_ms)
