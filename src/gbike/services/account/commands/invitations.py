"""Invitations: an admin says what somebody may do who is known by a contact only; who was sent the token comes in."""

from gbike.contracts.account import ChangedRoles
from gbike.kit.auth.principal import OwnerScope
from gbike.kit.clock import is_ahead, rfc3339
from gbike.kit.contacts import Contact
from gbike.kit.store import Facts, Reading, Tx
from gbike.services.account import domain
from gbike.services.account.commands.accounts import add_account, lock_roles
from gbike.services.account.domain import Invitation, Role
from gbike.services.account.storage import accounts, contacts, invitations


def invite(tx: Tx, wish: Invitation, token: str, reason: str | None = None) -> Invitation:
    """An admin invites a contact, by a token (its hash); one that was sent there before is of no use any more."""
    contacts.lock(tx, wish.normal)
    made = invitations.put(tx, token, wish)
    why: Facts = {"reason": reason} if reason else {}
    tx.audit("invited", _subject(made), after={**_grants(made), "expires": rfc3339(made.expires_ms), **why})
    return made


def withdraw(tx: Tx, invitationid: int, reason: str | None = None) -> None:
    """An admin takes an invitation back. Raises NoSuchInvitation, also when it was used before."""
    gone = invitations.withdraw(tx, invitationid)
    if gone is None:
        raise domain.NoSuchInvitation(invitationid)
    tx.audit("invitation withdrawn", _subject(gone), _grants(gone), {"reason": reason} if reason else {})


def good(read: Reading, token: str, now_ms: int) -> tuple[Invitation, bool] | None:
    """The invitation of a token, and whether its contact has an account; None: the token is of no use."""
    found = invitations.of_token(read, token)
    if found is None or not is_ahead(found.expires_ms, now_ms, domain.LONGEST_INVITATION_MS):
        return None
    return found, contacts.holder(read, _contact(found)) is not None


def use_invitation(tx: Tx, token: str, name: str, password_hash: str | None) -> tuple[domain.Account, bool] | None:
    """Somebody comes with the token they were sent, which is good once: the contact's account, and whether it is new.
    One that there was is given the roles, and nothing else. None: the token is of no use. Raises NewcomerUnnamed."""
    found = good(tx, token, tx.now_ms)
    if found is None:
        return None
    invited, _ = found
    contacts.lock(tx, invited.normal)
    lock_roles(tx)  # an erasure, and whoever else changes roles, comes before or after
    userid = contacts.holder(tx, _contact(invited))
    known = userid is not None and accounts.hold(tx, userid)
    if not invitations.take_away(tx, token):
        return None
    if known and userid is not None:
        return _grant(tx, userid, invited), False
    if password_hash is None:
        raise domain.NewcomerUnnamed
    return _welcome(tx, invited, name, password_hash), True


def _welcome(tx: Tx, invited: Invitation, name: str, password_hash: str) -> domain.Account:
    made = add_account(tx, name, _contact(invited), password_hash, invited.roles)
    if made is None:
        raise domain.InvitationRefused
    if Role.BIKE_MANAGER in invited.roles:
        accounts.set_roles(tx, made.userid, invited.roles, invited.managerid or made.userid)
    return _used(tx, invited, {}, made.userid)


def _grant(tx: Tx, userid: int, invited: Invitation) -> domain.Account:
    """What they could do before they still can."""
    before = accounts.load(tx, userid, OwnerScope.ALL)
    roles, managerid = domain.in_order({*before.roles, *invited.roles}), before.managerid
    if Role.BIKE_MANAGER in invited.roles:
        managerid = invited.managerid or managerid or userid
    accounts.set_roles(tx, userid, roles, managerid)
    if (roles, managerid) != (before.roles, before.managerid):
        tx.publish(ChangedRoles(userid=userid, tokenversion=accounts.raise_token_version(tx, userid)))
    return _used(tx, invited, {"roles": before.roles, "managerid": before.managerid}, userid)


def _used(tx: Tx, invited: Invitation, before: Facts, userid: int) -> domain.Account:
    account = accounts.load(tx, userid, OwnerScope.ALL)
    now: Facts = {"roles": account.roles, "managerid": account.managerid, "invitationid": invited.invitationid}
    tx.audit("invitation used", f"user:{userid}", before, now)
    return account


def _contact(one: Invitation) -> Contact:
    return Contact(one.contact, one.normal)


def _grants(one: Invitation) -> Facts:
    return {"roles": one.roles, "managerid": one.managerid}


def _subject(one: Invitation) -> str:
    return f"invitation:{one.invitationid}"
