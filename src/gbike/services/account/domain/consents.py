"""What people agree to: the terms of use, and that their location is used. Whoever runs gbike writes both; they have
one version, and what somebody agreed to is kept with it.

TermsChanged          somebody agrees to another version than the one that holds
TermsHold             nobody has an account without the terms: whoever withdraws that consent deletes the account
"""

from dataclasses import dataclass
from enum import StrEnum

from gbike.services.account.domain import AccountRefused


@dataclass(eq=False)
class TermsChanged(AccountRefused):
    """The terms that hold have another version."""

    version: str


class TermsHold(AccountRefused):
    """The consent to the terms goes with the account."""


class ConsentKind(StrEnum):
    """What is agreed to."""

    TERMS = "terms"
    LOCATION = "location"


@dataclass(frozen=True, slots=True)
class Terms:
    """The version that holds, and where both texts are; empty: gbike's own pages have them."""

    version: str
    terms_url: str = ""
    location_url: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to, and when."""

    kind: ConsentKind
    version: str
    at_ms: int


def must_hold(terms: Terms, *versions: str | None) -> None:
    """Raises TermsChanged for another version than the one that holds."""
    if any(version not in (None, terms.version) for version in versions):
        raise TermsChanged(terms.version)


def must_be_withdrawable(kind: ConsentKind) -> None:
    """Raises TermsHold."""
    if kind == ConsentKind.TERMS:
        raise TermsHold
