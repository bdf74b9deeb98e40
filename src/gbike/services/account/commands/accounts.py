"""People: who they are, what they may do, their authenticator, and how they are forgotten."""

from collections.abc import Sequence

from gbike.contracts.account import AccountErased, ChangedRoles, RegisteredAccount
from gbike.contracts.events import EVENTS
from gbike.kit.contacts import Contact
from gbike.kit.privacy.erasure import alone, remember, take_out
from gbike.kit.store import Facts, Tx
from gbike.services.account import domain
from gbike.services.account.commands.contacts import forget_contacts
from gbike.services.account.commands.sessions import end_sessions
from gbike.services.account.storage import accounts, consents, contacts, resets
from gbike.services.account.storage.sign_in_attempts import forget_clients
from gbike.services.account.storage.unsettled import lock_person, unsettled

_ADMINS = "admins"
"""The lock of whoever changes roles: one after the other, so that somebody is left who may."""


def add_account(tx: Tx, name: str, contact: Contact, password_hash: str, roles: domain.Roles) -> domain.Account | None:
    """An operator makes an account, whose contact counts as proved; None when the contact has one."""
    contacts.lock(tx, contact.normal)
    if contacts.holder(tx, contact) is not None:
        return None
    contacts.release(tx, contact.normal)
    account = accounts.add(tx, name, contact, password_hash, roles)
    if account is None:
        return None
    if domain.Role.ADMIN in roles:
        tx.audit("admin appointed", f"user:{account.userid}", after=_may(account))
    tx.publish(RegisteredAccount(userid=account.userid))
    return account


def record_search(tx: Tx, found: int) -> None:
    """An admin looked for somebody; how many were found is kept, and not the words."""
    tx.audit("accounts searched", "accounts", after={"found": found})


def rename(tx: Tx, userid: int, name: str) -> domain.Account:
    """Somebody is called otherwise. Raises NoSuchAccount."""
    accounts.rename(tx, userid, name)
    return accounts.load(tx, userid)


def set_roles(
    tx: Tx, userid: int, roles: domain.Roles, managerid: int | None, reason: str | None = None
) -> domain.Account:
    """An admin says what somebody may do; field staff have a number among the managers, their own unless told. Raises
    NoSuchAccount, LastAdmin."""
    managerid = (managerid or userid) if domain.Role.BIKE_MANAGER in roles else None
    lock_roles(tx)
    if domain.Role.ADMIN not in roles:
        _must_leave_an_admin(tx, userid)
    before = accounts.load(tx, userid)
    if not accounts.set_roles(tx, userid, roles, managerid):
        raise domain.NoSuchAccount(userid)
    after = accounts.load(tx, userid)
    if _may(before) != _may(after):
        _say_roles_changed(tx, userid)
    tx.audit("roles granted", f"user:{userid}", _may(before), {**_may(after), **_why(reason)})
    return after


def erase_account(tx: Tx, userid: int) -> domain.Account:
    """Somebody is forgotten, and that is said, once. Raises NoSuchAccount, LastAdmin, AccountInUse."""
    _lock_for_erasure(tx, userid)
    account = accounts.load(tx, userid)
    if account.erased_ms is not None:
        return account
    domain.must_be_settled(userid, unsettled(tx, userid))
    return _erase(tx, account)


def forget(tx: Tx, userid: int) -> domain.Unsettled:
    """An operator's duty by law: erase whoever has this number, whatever is unsettled, which is answered. Also where
    there never was an account, as in the demo, and say so each time: a backup may have brought the rest back.
    Raises LastAdmin."""
    _lock_for_erasure(tx, userid)
    left, known = unsettled(tx, userid), accounts.find(tx, userid)
    if known is not None:
        _erase(tx, known)
    else:
        _forget_messages(tx, userid)
        tx.audit("account erased", f"user:{userid}")
        tx.publish(AccountErased(userid=userid))
    return left


def seal_authenticator(tx: Tx, userid: int, sealed: bytes) -> None:
    """An authenticator, whose secret a code must confirm. Raises NoSuchAccount, EnrolledAlready, ContactUnproved."""
    there = accounts.hold(tx, userid)
    account = accounts.load(tx, userid)
    if not there:
        raise domain.NoSuchAccount(userid)
    if account.codes_wanted:
        raise domain.EnrolledAlready
    if not account.proved:
        raise domain.ContactUnproved
    accounts.seal(tx, userid, sealed)


def confirm_authenticator(
    tx: Tx, userid: int, sealed: bytes, step: int, recovery: Sequence[str] = ()
) -> domain.Account:
    """Codes are wanted from now on, this step's no more, or one of `recovery`. Raises NoSuchAccount, NotEnrolling, also
    where another secret than the code's was begun with meanwhile."""
    if not accounts.want_codes(tx, userid, sealed, step):
        raise domain.NotEnrolling
    accounts.put_recovery_codes(tx, userid, recovery)
    return accounts.load(tx, userid)


def replace_recovery_codes(tx: Tx, userid: int, codes: Sequence[str]) -> domain.Account:
    """Somebody takes other recovery codes; those of before are of no use. Raises NoSuchAccount, NotEnrolling."""
    accounts.hold(tx, userid)
    if not accounts.load(tx, userid).codes_wanted:
        raise domain.NotEnrolling
    accounts.put_recovery_codes(tx, userid, codes)
    return accounts.load(tx, userid)


def remove_authenticator(tx: Tx, userid: int, reason: str | None = None) -> domain.Account:
    """An admin takes a lost authenticator away: codes are wanted no more. Raises NoSuchAccount."""
    accounts.hold(tx, userid)  # what goes on record is what was so
    before = accounts.load(tx, userid)
    accounts.want_no_codes(tx, userid)
    accounts.put_recovery_codes(tx, userid, ())
    if before.codes_wanted:  # staff may have to have one
        _say_roles_changed(tx, userid)
    now = {"codes_wanted": False, **_why(reason)}
    tx.audit("authenticator removed", f"user:{userid}", {"codes_wanted": before.codes_wanted}, now)
    return accounts.load(tx, userid)


def lock_roles(tx: Tx) -> None:
    """Nobody else changes what somebody may do until this commits; a contact's lock comes before."""
    tx.lock(_ADMINS)


def _lock_for_erasure(tx: Tx, userid: int) -> None:
    """In the order of the consumer, whose policies lock a person after they share the erasure."""
    alone(tx, userid)
    lock_roles(tx)
    lock_person(tx, userid)


def _erase(tx: Tx, account: domain.Account) -> domain.Account:
    userid = account.userid
    _must_leave_an_admin(tx, userid)
    if accounts.erase(tx, userid):
        end_sessions(tx, userid)
        resets.forget(tx, userid)
        forget_contacts(tx, userid)
        forget_clients(tx, userid)
        consents.forget(tx, userid)
        _forget_messages(tx, userid)
        tx.audit("account erased", f"user:{userid}", before=_may(account))
        tx.publish(AccountErased(userid=userid))
    return accounts.load(tx, userid)


def _forget_messages(tx: Tx, userid: int) -> None:
    """A message that was set aside, or comes later, tells no place where the person was."""
    remember(tx, userid)
    take_out(tx, ("userid",), [userid], EVENTS)


def _say_roles_changed(tx: Tx, userid: int) -> None:
    tx.publish(ChangedRoles(userid=userid, tokenversion=accounts.raise_token_version(tx, userid)))


def _may(account: domain.Account) -> Facts:
    """What an audit row tells of an account: who it is, is not in it."""
    return {"roles": account.roles, "managerid": account.managerid}


def _why(reason: str | None) -> Facts:
    return {"reason": reason} if reason else {}


def _must_leave_an_admin(tx: Tx, userid: int) -> None:
    lock_roles(tx)
    if accounts.admins(tx) == [userid]:
        raise domain.LastAdmin(userid)
