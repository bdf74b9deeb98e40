"""Sessions, and the refresh tokens that continue them, in SQL."""

from gbike.kit.store import Reading, Row, Tx
from gbike.services.account.domain import Device, NewSession, Session
from gbike.services.account.storage.accounts import load

MOST_SHOWN = 100


def add(tx: Tx, userid: int, new: NewSession) -> None:
    expires_ms = tx.now_ms + new.lasts_ms
    tx.execute(
        "INSERT INTO sessions (family, userid, expires_ms, since_ms, auth_ms, used_ms, client, agent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (new.id, userid, expires_ms, tx.now_ms, tx.now_ms, tx.now_ms, new.device.network, new.device.agent),
    )
    add_token(tx, new.token, new.id, expires_ms)


def add_token(tx: Tx, token: str, session: str, expires_ms: int) -> None:
    sql = "INSERT INTO refresh_tokens (token, family, expires_ms) VALUES (?, ?, ?)"
    tx.execute(sql, (token, session, expires_ms))


def session_of(read: Reading, token: str) -> str | None:
    row = read.one("SELECT family FROM refresh_tokens WHERE token = ?", (token,))
    return None if row is None else row[0]


def go_on(tx: Tx, session: str) -> tuple[int, int, int | None] | None:
    """A session is used now: whose it is, when it expires, and when its password was shown, ms; None: it has ended. Its
    row is ours from here on: neither another renewal nor whoever ends sessions passes."""
    row = tx.one(
        "UPDATE sessions SET used_ms = ? WHERE family = ? AND ended_ms IS NULL RETURNING userid, expires_ms, auth_ms",
        (tx.now_ms, session),
    )
    return None if row is None else (row[0], row[1], row[2])


def use_token(tx: Tx, token: str, salt: str, successor: str) -> bool:
    """The token was replaced by its successor, made with `salt`; False: it was before."""
    sql = "UPDATE refresh_tokens SET used_ms = ?, salt = ?, successor = ? WHERE token = ? AND used_ms IS NULL"
    return tx.execute(sql, (tx.now_ms, salt, successor, token)) == 1


def forget_salt(tx: Tx, token: str, session: str) -> None:
    """Nobody can come from the token before this one to this one any more, not even with this store."""
    tx.execute("UPDATE refresh_tokens SET salt = NULL WHERE successor = ? AND family = ?", (token, session))


def salt_of(read: Reading, token: str) -> tuple[str, int] | None:
    """From what the successor of a used token is made, and when it was used, ms; None: the successor was used too."""
    row = read.one(
        "SELECT a.salt, a.used_ms FROM refresh_tokens a JOIN refresh_tokens b ON b.token = a.successor"
        " WHERE a.token = ? AND a.salt IS NOT NULL AND b.used_ms IS NULL",
        (token,),
    )
    return None if row is None else (row[0], row[1])


def end(tx: Tx, session: str) -> None:
    _end(tx, "family = ?", session)


def end_of(tx: Tx, userid: int, session: str) -> bool:
    """The same, if it is of this account and goes on."""
    return _end(tx, "family = ? AND userid = ?", session, userid) > 0


def end_all(tx: Tx, userid: int) -> None:
    _end(tx, "userid = ?", userid)


def of(read: Reading, userid: int, now_ms: int) -> list[Session]:
    """The sessions of an account that go on, the one used last first. Raises NoSuchAccount."""
    load(read, userid)
    rows = read.all(
        "SELECT family, since_ms, used_ms, client, agent, expires_ms FROM sessions"
        " WHERE userid = ? AND ended_ms IS NULL AND expires_ms > ?"
        f" ORDER BY coalesce(used_ms, 0) DESC, family DESC LIMIT {MOST_SHOWN}",
        (userid, now_ms),
    )
    return [_session(row) for row in rows]


def _end(tx: Tx, which: str, *params: object) -> int:
    """What was kept for the list of sessions goes with it. Answers how many ended."""
    sql = f"UPDATE sessions SET ended_ms = ?, client = NULL, agent = NULL WHERE {which} AND ended_ms IS NULL"
    return tx.execute(sql, (tx.now_ms, *params))


def _session(row: Row) -> Session:
    family, since_ms, used_ms, client, agent, expires_ms = row
    return Session(family, since_ms, used_ms, Device(client or "", agent or ""), expires_ms)
