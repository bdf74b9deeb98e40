"""Ways back for those who forgot their password: single use, short-lived, kept as hashes."""

from gbike.kit.clock import is_ahead
from gbike.kit.store import Store, Tx
from gbike.services.account.domain import Account
from gbike.services.account.storage.accounts import set_password
from gbike.services.account.storage.secrets import kept


class SqlResets:
    """Resets (ports) over a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def offer(self, contact: str, token: str, expires_ms: int) -> int | None:
        """See Resets.offer."""
        return await self._store.write(offer, contact, kept(token), expires_ms, key="resets")

    async def use(self, token: str, password_hash: str, lasts_ms: int) -> Account | None:
        """See Resets.use."""
        return await self._store.write(use, kept(token), password_hash, lasts_ms, key="resets")


def offer(tx: Tx, contact: str, token: str, expires_ms: int) -> int | None:
    """Keep a token; the ones before are of no use any more. The account's row orders it with every other offer, use,
    change of password and erasure."""
    row = tx.one("UPDATE accounts SET name = name WHERE contact = ? RETURNING userid", (contact,))
    if row is None:
        return None
    tx.execute("DELETE FROM resets WHERE userid = ?", (row[0],))
    tx.execute("INSERT INTO resets (token, userid, expires_ms) VALUES (?, ?, ?)", (token, row[0], expires_ms))
    return int(row[0])


def use(tx: Tx, token: str, password_hash: str, lasts_ms: int) -> Account | None:
    """Take the token away and set the password. The account's row comes first, as for all who remove tokens: who comes
    the other way round waits for the one who waits for them."""
    tx.execute("UPDATE accounts SET name = name WHERE userid = (SELECT userid FROM resets WHERE token = ?)", (token,))
    row = tx.one("DELETE FROM resets WHERE token = ? RETURNING userid, expires_ms", (token,))
    if row is None or not is_ahead(row[1], tx.now_ms, lasts_ms):
        return None
    return set_password(tx, row[0], password_hash)
