"""Contacts that count and contacts that somebody has yet to prove: of those several accounts may have the same, and
the first who proves it has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gbike.contracts.account import RegisteredAccount
from gbike.kit.clock import is_ahead
from gbike.kit.contacts import Contact
from gbike.kit.store import Reading, Tx
from gbike.services.account import domain
from gbike.services.account.domain.consents import ConsentKind
from gbike.services.account.storage import accounts, consents, contacts, invitations, resets
from gbike.services.account.storage import sign_in_attempts as attempts
from gbike.services.account.storage.contacts import of_account, of_contact


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who signs up; `agreed` to the version of the terms that holds."""

    name: str
    contact: Contact
    password_hash: str
    agreed: Sequence[ConsentKind] = ()
    version: str = ""


def register(tx: Tx, newcomer: Newcomer, code: str) -> domain.CodeWish:
    """Somebody becomes a rider, whose contact the code must prove; where somebody has proved it, nobody does."""
    contact = newcomer.contact
    contacts.lock(tx, contact.normal)
    owner = contacts.holder(tx, contact)
    if owner is not None:
        told = owner if _count(tx, of_contact(contact.normal)) else None
        return domain.CodeWish(owner=told, contact=contact.normal)
    userid = accounts.add_without_contact(tx, newcomer.name, newcomer.password_hash)
    for kind in newcomer.agreed:
        consents.put(tx, userid, kind, newcomer.version)
    tx.publish(RegisteredAccount(userid=userid))
    _put(tx, userid, contact, code)
    return domain.CodeWish(userid if _count(tx, of_contact(contact.normal)) else None, contact=contact.typed)


def take_contact(tx: Tx, userid: int, contact: Contact, code: str) -> domain.CodeWish:
    """Somebody takes another contact, which the code must prove. Raises NoSuchAccount, TooManyAttempts."""
    contacts.lock(tx, contact.normal)
    if not accounts.hold(tx, userid):
        raise domain.NoSuchAccount(userid)
    _put(tx, userid, contact, code)
    return _wish(tx, userid, contact, _count_both(tx, userid, contact.normal))


def renew_code(tx: Tx, userid: int, code: str) -> domain.CodeWish:
    """Another code for the contact that has yet to be proved. Raises NoSuchAccount, NothingToProve, TooManyAttempts."""
    contact = _lock_pending(tx, userid)
    if not contacts.renew_code(tx, userid, contact.normal, code, tx.now_ms + domain.CODE_MS):
        raise domain.NothingToProve
    return _wish(tx, userid, contact, _count_both(tx, userid, contact.normal))


def prove_contact(tx: Tx, userid: int, code: str) -> domain.Account | None:
    """The code is right: the contact is the account's, and nobody else's. None when it is wrong, too old, was tried too
    often, or somebody else has proved the contact. Raises NoSuchAccount, NothingToProve."""
    contact = _lock_pending(tx, userid)
    found = contacts.count_a_try(tx, userid, contact.normal)
    if found is None:
        raise domain.NothingToProve
    known, until_ms, tries = found
    right = known == contacts.kept_code(userid, code)
    if not (right and tries <= domain.MOST_TRIES and is_ahead(until_ms, tx.now_ms, domain.CODE_MS)):
        return None
    if contacts.holder(tx, contact, but=userid) is not None:
        return None
    accounts.set_contact(tx, userid, contact)
    contacts.release(tx, contact.normal)
    resets.forget(tx, userid)  # they went to the contact before
    return accounts.load(tx, userid)


def forget_contacts(tx: Tx, userid: int) -> None:
    """Every contact that the account has, or has yet to prove, and what was counted for it. What was counted for one
    that it has not proved stays its day: it protects whoever has that contact from being written to, or guessed at."""
    own = accounts.own_contacts(tx, userid)
    accounts.forget_contact(tx, userid)
    contacts.forget(tx, userid)
    for owner in (of_account(userid), *map(of_contact, own)):
        contacts.lock_codes(tx, owner)
        contacts.forget_codes(tx, owner)
    for normal in own:
        invitations.forget(tx, normal)
    for normal in own:  # what is kept under it and a client goes a day later
        attempts.lock(tx, attempts.of_contact(normal))
        attempts.forget(tx, attempts.of_contact(normal))


def _lock_pending(tx: Tx, userid: int) -> Contact:
    """The contact that an account has yet to prove; who has it, and the account, changes nobody else until this
    commits. Raises NoSuchAccount, NothingToProve."""
    accounts.load(tx, userid)
    contact = contacts.pending(tx, userid)
    if contact is None:
        raise domain.NothingToProve
    contacts.lock(tx, contact.normal)
    accounts.hold(tx, userid)
    return contact


def _put(tx: Tx, userid: int, contact: Contact, code: str) -> None:
    """Keep the code. Of the accounts without a contact of their own no more than a few wait for the same one: who was
    in longest ago gives way."""
    contacts.put(tx, userid, contact, code, tx.now_ms + domain.CODE_MS)
    for one in contacts.waiting(tx, contact.normal, but=userid)[domain.MOST_UNPROVED - 1 :]:
        contacts.give_up(tx, one, contact.normal)


def _wish(read: Reading, userid: int, contact: Contact, sends: bool) -> domain.CodeWish:
    owner = contacts.holder(read, contact, but=userid)
    if not sends:
        return domain.CodeWish()
    if owner is not None:
        return domain.CodeWish(owner=owner, contact=contact.normal)
    return domain.CodeWish(userid, contact=contact.typed)


def _count_both(tx: Tx, userid: int, normal: str) -> bool:
    """Whether a code may be sent to the contact; nobody is told, as others may have asked. Raises TooManyAttempts when
    the account asked too often."""
    if not _count(tx, of_account(userid)):
        raise domain.TooManyAttempts(domain.CODES_WITHIN_MS // 1000)
    return _count(tx, of_contact(normal))


def _count(tx: Tx, owner: str) -> bool:
    """Count a letter; whether it is within the bound."""
    contacts.lock_codes(tx, owner)
    sent, since_ms = contacts.codes_sent(tx, owner) or (0, 0)
    if not is_ahead(since_ms + domain.CODES_WITHIN_MS, tx.now_ms, domain.CODES_WITHIN_MS):
        sent, since_ms = 0, tx.now_ms
    if sent >= domain.MOST_CODES:
        return False
    contacts.count_codes(tx, owner, sent + 1, since_ms)
    return True
