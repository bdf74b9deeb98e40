"""Ways back for those who forgot their password: single use, short-lived, kept as hashes."""

from gbike.kit.clock import is_ahead
from gbike.kit.store import Reading, Store, Tx
from gbike.services.account.domain import Account
from gbike.services.account.storage.accounts import set_password
from gbike.services.account.storage.secrets import kept
from gbike.services.account.storage.tries import forget_households, know

LETTERS = 3
"""Within half of the time that one is good. Whoever asks beyond that, the newest is good for the other half."""


class SqlResets:
    """Resets (ports) over a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def offer(self, contact: str, token: str, lasts_ms: int) -> tuple[int, int] | None:
        """See Resets.offer."""
        return await self._store.write(offer, contact, kept(token), lasts_ms, key="resets")

    async def is_good(self, token: str, now_ms: int, lasts_ms: int) -> bool:
        """See Resets.is_good."""
        return await self._store.read(is_good, kept(token), now_ms, lasts_ms)

    async def use(self, token: str, password_hash: str, lasts_ms: int, client: str) -> Account | None:
        """See Resets.use."""
        return await self._store.write(use, kept(token), password_hash, lasts_ms, client, key="resets")


def offer(tx: Tx, contact: str, token: str, lasts_ms: int) -> tuple[int, int] | None:
    """Keep one more token, beside those that are good: somebody else may have asked for this one. None where there is
    no account, or LETTERS are new. The account's row orders it with every other offer, use, change of password and
    erasure."""
    row = tx.one("UPDATE accounts SET name = name WHERE contact = ? RETURNING userid", (contact,))
    if row is None:
        return None
    expires_ms = tx.now_ms + lasts_ms
    sql = "SELECT count(*) FROM resets WHERE userid = ? AND expires_ms > ? AND expires_ms <= ?"
    new = tx.one(sql, (row[0], expires_ms - lasts_ms // 2, expires_ms))
    if new is not None and new[0] >= LETTERS:
        return None
    tx.execute("INSERT INTO resets (token, userid, expires_ms) VALUES (?, ?, ?)", (token, row[0], expires_ms))
    return int(row[0]), expires_ms


def is_good(read: Reading, token: str, now_ms: int, lasts_ms: int) -> bool:
    """Whether the token would set a password now."""
    row = read.one("SELECT expires_ms FROM resets WHERE token = ?", (token,))
    return row is not None and is_ahead(row[0], now_ms, lasts_ms)


def use(tx: Tx, token: str, password_hash: str, lasts_ms: int, client: str) -> Account | None:
    """Take the token away and set the password; of the clients that the account knew only this one is left. The
    account's row comes first, as for all who remove tokens: who comes the other way round waits for the one who waits
    for them."""
    tx.execute("UPDATE accounts SET name = name WHERE userid = (SELECT userid FROM resets WHERE token = ?)", (token,))
    row = tx.one("DELETE FROM resets WHERE token = ? RETURNING userid, expires_ms", (token,))
    if row is None or not is_ahead(row[1], tx.now_ms, lasts_ms):
        return None
    forget_households(tx, row[0])
    know(tx, row[0], client)
    return set_password(tx, row[0], password_hash)
