"""How account refuses."""

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit import contacts
from gbike.kit.auth import passwords
from gbike.kit.http.app import Refusals
from gbike.kit.http.problems import ProblemType, catalogue
from gbike.services.account import domain
from gbike.services.account.domain.consents import TermsChanged, TermsHold

TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchAccount: TEXTS["account-unknown"],
    domain.SignInRefused: TEXTS["sign-in-refused"],
    domain.CodeNeeded: TEXTS["code-needed"],
    domain.TooManyAttempts: TEXTS["too-many-tries"],
    domain.TooManyAtOnce: TEXTS["sign-in-busy"],
    domain.TooManySignUps: TEXTS["too-many-sign-ups"],
    domain.TooManyResets: TEXTS["too-many-resets"],
    domain.SignInAgain: TEXTS["sign-in-again"],
    domain.SessionOver: TEXTS["session-over"],
    domain.ResetRefused: TEXTS["reset-refused"],
    domain.InvitationRefused: TEXTS["invitation-refused"],
    domain.NewcomerUnnamed: TEXTS["name-and-password-needed"],
    domain.NoSuchInvitation: TEXTS["invitation-unknown"],
    domain.ExpiryRefused: TEXTS["expiry-refused"],
    domain.WeakPassword: TEXTS["weak-password"],
    domain.LastAdmin: TEXTS["last-admin"],
    domain.AccountInUse: TEXTS["account-in-use"],
    domain.ContactUnproved: TEXTS["contact-unproved"],
    domain.ProofRefused: TEXTS["proof-refused"],
    domain.NothingToProve: TEXTS["nothing-to-prove"],
    contacts.BadContact: TEXTS["contact-refused"],
    domain.EnrolledAlready: TEXTS["enrolled-already"],
    TermsChanged: TEXTS["terms-changed"],
    TermsHold: TEXTS["terms-hold"],
    domain.NotEnrolling: TEXTS["not-enrolling"],
    passwords.HashingBusy: TEXTS["sign-in-busy"],
}
OF_PASSWORD = (domain.SignInAgain, domain.SignInRefused, domain.TooManyAttempts, passwords.HashingBusy)
"""Where one's own password, or a recent sign-in, is asked for."""


def refused(*refusals: type[Exception]) -> tuple[ProblemType, ...]:
    """What is documented of an operation that may raise these."""
    return tuple(REFUSALS[refusal] for refusal in refusals)
