"""Invitations in SQL: kept by what their token hashes to, one for each contact.

Whoever makes or uses one takes the contact's lock first, then the account's row, and last the invitation's row.
"""

from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.account.domain import Invitation, in_order

_COLUMNS = "invitationid, contact, normal, roles, managerid, since_ms, expires_ms"


def listing(now_ms: int) -> Listing:
    """Those that can still be used."""
    return Listing(
        select=f"SELECT {_COLUMNS} FROM invitations",
        sortable={"invitationid": "invitationid", "expires": "expires_ms"},
        order="invitationid",
        where="WHERE expires_ms > ?",
        params=(now_ms,),
        counters=None,
        make=_invitation,
    )


def put(tx: Tx, token: str, wish: Invitation) -> Invitation:
    """The contact's only invitation; the one of before is of no use any more."""
    tx.execute("DELETE FROM invitations WHERE normal = ?", (wish.normal,))
    row = tx.one(
        "INSERT INTO invitations (token, contact, normal, roles, managerid, since_ms, expires_ms)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        (token, wish.contact, wish.normal, ",".join(wish.roles), wish.managerid, tx.now_ms, wish.expires_ms),
    )
    return _invitation(row or ())


def of_token(read: Reading, token: str) -> Invitation | None:
    row = read.one(f"SELECT {_COLUMNS} FROM invitations WHERE token = ?", (token,))
    return None if row is None else _invitation(row)


def take_away(tx: Tx, token: str) -> bool:
    """Use a token up; False: it was, or it was withdrawn."""
    return tx.execute("DELETE FROM invitations WHERE token = ?", (token,)) == 1


def withdraw(tx: Tx, invitationid: int) -> Invitation | None:
    """None: there is none with this number any more."""
    row = tx.one(f"DELETE FROM invitations WHERE invitationid = ? RETURNING {_COLUMNS}", (invitationid,))
    return None if row is None else _invitation(row)


def forget(tx: Tx, normal: str) -> None:
    """Nobody is invited under this contact."""
    tx.execute("DELETE FROM invitations WHERE normal = ?", (normal,))


def _invitation(row: Row) -> Invitation:
    invitationid, contact, normal, roles, managerid, since_ms, expires_ms = row
    return Invitation(
        invitationid=invitationid,
        contact=contact,
        normal=normal,
        roles=in_order(roles.split(",")),
        managerid=managerid,
        since_ms=since_ms,
        expires_ms=expires_ms,
    )
