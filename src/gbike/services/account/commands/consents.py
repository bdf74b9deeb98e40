"""Somebody agrees, or takes a consent back. It is their own business, so what is on record of it outlives the consent:
that there was one, its version and when."""

from gbike.kit.clock import rfc3339
from gbike.kit.store import Facts, Tx
from gbike.services.account import domain
from gbike.services.account.domain.consents import Consent, ConsentKind, Terms, must_be_withdrawable, must_hold
from gbike.services.account.storage import accounts, consents


def give_consent(tx: Tx, userid: int, kind: ConsentKind, version: str, terms: Terms) -> list[Consent]:
    """Answers what the account agrees to now. Raises NoSuchAccount, TermsChanged."""
    before = _hold(tx, userid, kind)
    must_hold(terms, version)
    consents.put(tx, userid, kind, version)
    after = consents.of(tx, userid)
    if _told(after, kind) != before:
        tx.audit("consent given", f"user:{userid}", before, _told(after, kind))
    return after


def withdraw_consent(tx: Tx, userid: int, kind: ConsentKind) -> list[Consent]:
    """The same. Raises NoSuchAccount, TermsHold."""
    before = _hold(tx, userid, kind)
    must_be_withdrawable(kind)
    consents.withdraw(tx, userid, kind)
    if before:
        tx.audit("consent withdrawn", f"user:{userid}", before)
    return consents.of(tx, userid)


def _hold(tx: Tx, userid: int, kind: ConsentKind) -> Facts:
    """What was agreed to; nobody else changes the account until this commits. Raises NoSuchAccount."""
    accounts.load(tx, userid)
    if not accounts.hold(tx, userid):
        raise domain.NoSuchAccount(userid)
    return _told(consents.of(tx, userid), kind)


def _told(given: list[Consent], kind: ConsentKind) -> Facts:
    found = [one for one in given if one.kind == kind]
    return {"kind": kind, "version": found[0].version, "at": rfc3339(found[0].at_ms)} if found else {}
