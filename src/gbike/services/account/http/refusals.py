"""How account refuses."""

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit import contacts, passwords
from gbike.kit.http.app import Refusals
from gbike.kit.http.problems import catalogue
from gbike.services.account import domain

TEXTS = catalogue(PROBLEM_TEXTS)
UNKNOWN = TEXTS["account-unknown"]
REFUSED = TEXTS["sign-in-refused"]
CODE = TEXTS["code-needed"]
WAIT = TEXTS["too-many-tries"]
SIGN_UPS = TEXTS["too-many-sign-ups"]
RESETS = TEXTS["too-many-resets"]
AGAIN = TEXTS["sign-in-again"]
OVER = TEXTS["session-over"]
RESET = TEXTS["reset-refused"]
WEAK = TEXTS["weak-password"]
LAST = TEXTS["last-admin"]
IN_USE = TEXTS["account-in-use"]
CONTACT = TEXTS["contact-refused"]
UNPROVED = TEXTS["contact-unproved"]
PROOF = TEXTS["proof-refused"]
NOTHING_TO_PROVE = TEXTS["nothing-to-prove"]
ENROLLED = TEXTS["enrolled-already"]
NOT_ENROLLING = TEXTS["not-enrolling"]
BUSY = TEXTS["sign-in-busy"]
OF_PASSWORD = (AGAIN, REFUSED, WAIT, BUSY)
"""Where one's own password, or a recent sign-in, is asked for."""
REFUSALS: Refusals = {
    domain.NoSuchAccount: UNKNOWN,
    domain.SignInRefused: REFUSED,
    domain.CodeNeeded: CODE,
    domain.TooManyTries: WAIT,
    domain.TooManyAtOnce: BUSY,
    domain.TooManySignUps: SIGN_UPS,
    domain.TooManyResets: RESETS,
    domain.SignInAgain: AGAIN,
    domain.SessionOver: OVER,
    domain.ResetRefused: RESET,
    domain.WeakPassword: WEAK,
    domain.LastAdmin: LAST,
    domain.AccountInUse: IN_USE,
    domain.ContactUnproved: UNPROVED,
    domain.ProofRefused: PROOF,
    domain.NothingToProve: NOTHING_TO_PROVE,
    contacts.BadContact: CONTACT,
    domain.EnrolledAlready: ENROLLED,
    domain.NotEnrolling: NOT_ENROLLING,
    passwords.HashingBusy: BUSY,
}
