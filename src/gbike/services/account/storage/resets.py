"""Password resets in SQL: kept as hashes."""

from gbike.kit.store import Reading, Tx


def add(tx: Tx, token: str, userid: int, expires_ms: int) -> None:
    tx.execute("INSERT INTO resets (token, userid, expires_ms) VALUES (?, ?, ?)", (token, userid, expires_ms))


def sent(read: Reading, userid: int, after_ms: int, until_ms: int) -> int:
    """How many tokens of an account expire in a time."""
    sql = "SELECT count(*) FROM resets WHERE userid = ? AND expires_ms > ? AND expires_ms <= ?"
    row = read.one(sql, (userid, after_ms, until_ms))
    return int(row[0]) if row else 0


def good_until(read: Reading, token: str) -> int | None:
    """Until when a token is good, ms; None: there is none."""
    row = read.one("SELECT expires_ms FROM resets WHERE token = ?", (token,))
    return None if row is None else row[0]


def hold_account_of_contact(tx: Tx, contact: str) -> int | None:
    """Nobody else changes the account of a contact until this commits; its number, None: there is none."""
    row = tx.one("UPDATE accounts SET name = name WHERE contact = ? RETURNING userid", (contact,))
    return None if row is None else int(row[0])


def hold_account_of_token(tx: Tx, token: str) -> None:
    tx.execute("UPDATE accounts SET name = name WHERE userid = (SELECT userid FROM resets WHERE token = ?)", (token,))


def take_away(tx: Tx, token: str) -> tuple[int, int] | None:
    """Use a token up: whose it was, and until when it was good, ms; None: there is none."""
    row = tx.one("DELETE FROM resets WHERE token = ? RETURNING userid, expires_ms", (token,))
    return None if row is None else (row[0], row[1])


def forget(tx: Tx, userid: int) -> None:
    """No token of the account is good."""
    tx.execute("DELETE FROM resets WHERE userid = ?", (userid,))
