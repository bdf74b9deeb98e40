"""Recovery codes of the second factor: each is good once, and only what it hashes to is kept (80 bits of chance)."""

from collections.abc import Sequence

from gbike.kit.store import Store, Tx
from gbike.services.account.domain import Account, NotEnrolling
from gbike.services.account.storage.rows import load, whose
from gbike.services.account.storage.secrets import kept


class SqlRecovery:
    """Recovery (ports) over a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def renew(self, userid: int, codes: Sequence[str], only: int | None) -> Account:
        """See Recovery.renew."""
        return await self._store.write(renew, userid, codes, only, key=f"account:{userid}")


def renew(tx: Tx, userid: int, codes: Sequence[str], only: int | None) -> Account:
    """Other codes; those of before are of no use. Raises NoSuchAccount, NotEnrolling."""
    where, params = whose(userid, only)
    if not tx.execute(f"UPDATE accounts SET name = name WHERE {where} AND codes_wanted = 1", params):
        load(tx, userid, only)
        raise NotEnrolling
    put(tx, userid, codes)
    return load(tx, userid)


def put(tx: Tx, userid: int, codes: Sequence[str]) -> None:
    """These codes and no others; the account's row is the caller's already."""
    tx.execute("DELETE FROM recovery_codes WHERE userid = ?", (userid,))
    tx.execute_many(
        "INSERT INTO recovery_codes (userid, code) VALUES (?, ?)", [(userid, _kept(userid, code)) for code in codes]
    )


def use(tx: Tx, userid: int, code: str) -> bool:
    """Use a code up; whether it was one. The account's row is the caller's already."""
    sql = "DELETE FROM recovery_codes WHERE userid = ? AND code = ?"
    return tx.execute(sql, (userid, _kept(userid, code))) > 0


def _kept(userid: int, code: str) -> str:
    return kept(f"recovery {userid} {code}")
