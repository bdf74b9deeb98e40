"""Who is called so, and who is reached so, in SQL: every part of a name begins a row of `name_parts`, so that an index
finds it."""

from collections.abc import Iterable
from unicodedata import normalize

from gbike.kit.store import Reading, Tx

MOST_FOUND = 50
LEAST, MOST = 2, 12
"""Characters of a part of a name: what one must know at least, and what is kept of it."""
_AFTER_ALL = "\U0010ffff"


def parts(name: str) -> set[str]:
    """What of a name is found: MOST characters from each of its characters on."""
    plain = _plain(name)
    return {plain[at : at + MOST] for at in range(len(plain) - LEAST + 1)}


def put(tx: Tx, userid: int, name: str) -> None:
    """Somebody is called so, and not otherwise."""
    forget(tx, userid)
    tx.execute_many(
        "INSERT INTO name_parts (part, userid) VALUES (?, ?)", [(part, userid) for part in sorted(parts(name))]
    )


def forget(tx: Tx, userid: int) -> None:
    """Nobody is found by this account's name."""
    tx.execute("DELETE FROM name_parts WHERE userid = ?", (userid,))


def called(read: Reading, text: str) -> list[int]:
    """Whose name has the text in it; a longer one than MOST is judged by its beginning."""
    plain = _plain(text)[:MOST]
    if len(plain) < LEAST:
        return []
    return _from(read, "SELECT DISTINCT userid FROM name_parts WHERE part >= ? AND part < ?", plain)


def reached(read: Reading, beginnings: Iterable[str]) -> list[int]:
    """Whose contact, proved or yet to be, begins so in its normal form."""
    tables = ("accounts", "contact_proofs")
    sqls = [f"SELECT userid FROM {table} WHERE normal >= ? AND normal < ?" for table in tables]
    return [userid for beginning in beginnings for sql in sqls for userid in _from(read, sql, beginning)]


def _from(read: Reading, sql: str, beginning: str) -> list[int]:
    rows = read.all(f"{sql} LIMIT {MOST_FOUND}", (beginning, beginning + _AFTER_ALL))
    return [row[0] for row in rows]


def _plain(text: str) -> str:
    return normalize("NFC", " ".join(text.split()).casefold())
