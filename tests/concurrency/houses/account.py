"""Accounts: 1 and 2 are the admins, 2 is signed in; 2 is enrolling and 3, a rider, has an authenticator and asked for a
reset. 4 and 5 have yet to prove the same contact, and 2 another one."""

from gbike.contracts.rent import Rented, Returned, RideOverdue
from gbike.contracts.user_deposit import AddedDeposit, ChangedStanding, UpdatedDeposit
from gbike.kit.contacts import Contact
from gbike.kit.storage.retention import FLOOR
from gbike.services.account.commands.accounts import (
    add_account,
    confirm_authenticator,
    erase_account,
    forget,
    record_search,
    remove_authenticator,
    rename,
    replace_recovery_codes,
    seal_authenticator,
    set_roles,
)
from gbike.services.account.commands.consents import give_consent, withdraw_consent
from gbike.services.account.commands.contacts import Newcomer, prove_contact, register, renew_code, take_contact
from gbike.services.account.commands.invitations import invite, use_invitation, withdraw
from gbike.services.account.commands.passwords import offer_reset, replace_password, use_reset
from gbike.services.account.commands.sessions import (
    renew_session,
    sign_out,
    sign_out_everywhere,
    sign_out_there,
    start_session,
)
from gbike.services.account.commands.sign_in_attempts import (
    begin_attempt,
    fail_attempt,
    give_back,
    succeed,
    take,
)
from gbike.services.account.domain import (
    Account,
    Credentials,
    Device,
    Invitation,
    LockoutPolicy,
    NewSession,
    Pace,
    Role,
    SignInAttempt,
)
from gbike.services.account.domain.consents import ConsentKind, Terms
from gbike.services.account.policies import POLICIES
from gbike.services.account.storage import KEEPS
from gbike.services.account.storage.accounts import rehash
from gbike.services.account.storage.sign_in_attempts import end_attempt
from gbike.services.account.storage.unsettled import take_reminders, want_reminder
from tests.concurrency.house import Hears, House, do, floor, write
from tests.concurrency.stepping import NOW

ADMIN, OTHER, RIDER, FIRST, SECOND = range(1, 6)
HEARS = Hears(POLICIES)
RIDDEN = Rented(rentid=9, userid=RIDER, bikeid=7, status="rented", starttime=NOW)
OVER = Returned(rentid=9, userid=RIDER, bikeid=7, status="returned", endtime=NOW, starttime=NOW)
LATE = RideOverdue(rentid=9, userid=RIDER, bikeid=7, starttime=NOW)
TOO_LATE = RideOverdue(rentid=8, userid=RIDER, bikeid=7, starttime=NOW)
HOUR_MS = 3_600_000
RIDERS = (Role.RIDER,)
ADMINS = (Role.ADMIN,)
LOCKOUT = LockoutPolicy(3, HOUR_MS, Pace(20, HOUR_MS), Pace(20, HOUR_MS))
FEW = Pace(2, HOUR_MS)
HOME = "10.0.0.1"
FREE, BOTH = Contact("new@x", "new@x"), Contact("both@x", "both@x")
NEWCOMER = ("n", FREE)
LATER = NOW + HOUR_MS
INVITED, STAFF = Contact("invited@x", "invited@x"), Contact("rider@x", "rider@x")
WISHES = [
    Invitation(
        invitationid=0,
        contact=contact.typed,
        normal=contact.normal,
        roles=(Role.BIKE_MANAGER,),
        managerid=None,
        since_ms=NOW,
        expires_ms=LATER,
    )
    for contact in (INVITED, STAFF, BOTH)
]
ONE, TWO = SignInAttempt("one", "other@x", HOME, known=False), SignInAttempt("two", "other@x", HOME, known=False)
THREE, FOUR = SignInAttempt("three", "rider@x", HOME, known=False), SignInAttempt("four", "rider@x", HOME, known=False)
PHONE = Device("10.0.0.0/24", "Chrome")
OLD, NEW = b"sealed", b"sealed anew"


def known(userid: int, contact: str, roles: tuple[Role, ...], codes: bool = False) -> Credentials:
    account = Account(userid, contact, contact, roles, None, codes_wanted=codes, created_ms=NOW)
    return Credentials(account, "hash", OLD if codes else None, 5 if codes else 0)


THEY = known(OTHER, "other@x", ADMINS)
RIDES = known(RIDER, "rider@x", RIDERS, codes=True)

COUNTED = (
    "sign up",
    "sign up with a contact that two wait for",
    "ask for another code",
    "take another contact",
    "take a contact that one waits for",
)
"""What counts the codes that it sends."""

HOUSE = House(
    "account",
    setup=(
        do(add_account, "admin@x", Contact("admin@x", "admin@x"), "hash", ADMINS),
        do(add_account, "other@x", Contact("other@x", "other@x"), "hash", ADMINS),
        do(add_account, "rider@x", Contact("rider@x", "rider@x"), "hash", RIDERS),
        do(
            start_session,
            THEY,
            None,
            NewSession("family", "token", HOUR_MS, PHONE),
            SignInAttempt("zero", "other@x", "10.9.9.9", False),
        ),
        do(seal_authenticator, RIDER, OLD),
        do(confirm_authenticator, RIDER, OLD, 5, ("recovery", "recovery 2")),
        do(seal_authenticator, OTHER, OLD),
        do(offer_reset, "rider@x", "reset", HOUR_MS),
        do(offer_reset, "rider@x", "reset too", HOUR_MS),
        do(register, Newcomer("first", BOTH, "hash", tuple(ConsentKind), "1"), "1111"),
        do(register, Newcomer("second", BOTH, "hash"), "2222"),
        do(take_contact, OTHER, Contact("other@y", "other@y"), "3333"),
        do(begin_attempt, "before", "other@x", HOME, LOCKOUT),
        do(begin_attempt, "three", "rider@x", HOME, LOCKOUT),
        do(fail_attempt, SignInAttempt("before", "other@x", HOME, known=False), LOCKOUT),
        do(begin_attempt, "one", "other@x", HOME, LOCKOUT),
        do(take, "sign-up", HOME, FEW),
        do(want_reminder, 7, 99),
        do(invite, WISHES[0], "invitation"),
        do(invite, WISHES[1], "invitation of a rider"),
        do(invite, WISHES[2], "invitation of those who wait"),
    ),
    cases=(
        write("take reminders", take_reminders, 10),
        HEARS.case("overdue", LATE),
        HEARS.case("overdue too", TOO_LATE),
        write("add", add_account, *NEWCOMER, "hash", RIDERS, key="accounts"),
        write("add an admin", add_account, *NEWCOMER, "hash", ADMINS, key="accounts"),
        write(
            "sign up",
            register,
            Newcomer(*NEWCOMER, "hash", tuple(ConsentKind), "1"),
            "4444",
            again=(Newcomer("m", FREE, "hash"), "5555"),
            key="accounts",
        ),
        write(
            "sign up with a contact that two wait for",
            register,
            *(Newcomer("n", BOTH, "hash", tuple(ConsentKind), "1"), "4"),
            key="accounts",
        ),
        write("prove a contact", prove_contact, FIRST, "1111", again=(SECOND, "2222"), key="account:4"),
        write("prove it too", prove_contact, SECOND, "2222", key="account:5"),
        write("prove another contact", prove_contact, OTHER, "3333", key="account:2"),
        write("fail to prove", prove_contact, FIRST, "9999", key="account:4"),
        write("ask for another code", renew_code, FIRST, "6666", again=(SECOND, "7"), key="account:4"),
        write("take another contact", take_contact, FIRST, FREE, "8888", key="account:4"),
        write("take a contact that one waits for", take_contact, OTHER, BOTH, "8", key="account:2"),
        write("erase who waits", erase_account, FIRST, key="account:4"),
        write(
            "agree",
            give_consent,
            *(FIRST, ConsentKind.LOCATION, "2", Terms("2")),
            again=(SECOND, ConsentKind.TERMS, "2", Terms("2")),
            key="account:4",
        ),
        write("agree as who is erased", give_consent, RIDER, ConsentKind.TERMS, "2", Terms("2"), key="account:3"),
        write("take a consent back", withdraw_consent, FIRST, ConsentKind.LOCATION, key="account:4"),
        write("make other recovery codes", replace_recovery_codes, RIDER, ("a", "b"), again=(RIDER, ("c",))),
        write(
            "sign in with a recovery code",
            start_session,
            RIDES,
            "recovery",
            NewSession("sixth", "token 6", HOUR_MS, PHONE),
            THREE,
            again=(RIDES, "recovery", NewSession("seventh", "token 7", HOUR_MS, PHONE), FOUR),
            key="account:3",
        ),
        write("search", record_search, 2, key="accounts"),
        write("rename", rename, OTHER, "one", again=(OTHER, "other"), key="account:2"),
        write("grant", set_roles, RIDER, ADMINS, None, key="account:3"),
        write("take away", set_roles, ADMIN, RIDERS, None, again=(OTHER, RIDERS, None), key="account:1"),
        write("take away from the other", set_roles, OTHER, RIDERS, None, key="account:2"),
        write(
            "change the password",
            replace_password,
            OTHER,
            "hash",
            "hash 2",
            again=(OTHER, "hash", "hash 3"),
            key="account:2",
        ),
        write("change the rider's password", replace_password, RIDER, "hash", "hash 2", key="account:3"),
        write("rehash", rehash, OTHER, "hash", "hash anew", key="account:2"),
        write("erase", erase_account, OTHER, key="account:2"),
        write("erase the rider", erase_account, RIDER, key="account:3"),
        write("erase the admin", erase_account, ADMIN, key="account:1"),
        write("forget", forget, RIDER, key="account:3"),
        write("begin an enrolment", seal_authenticator, OTHER, NEW, key="account:2"),
        write("confirm an enrolment", confirm_authenticator, OTHER, OLD, 6, key="account:2"),
        write("remove an enrolment", remove_authenticator, RIDER, key="account:3"),
        write(
            "offer a reset",
            offer_reset,
            "rider@x",
            "reset 2",
            HOUR_MS,
            again=("rider@x", "reset 3", HOUR_MS),
            key="resets",
        ),
        write("use a reset", use_reset, "reset", "hash 4", HOUR_MS, HOME, key="resets"),
        write("use the other", use_reset, "reset too", "hash 5", HOUR_MS, HOME, key="resets"),
        write(
            "invite",
            invite,
            *(WISHES[0], "invitation 2"),
            again=(WISHES[0], "invitation 3"),
            key="accounts",
        ),
        write("invite the rider", invite, WISHES[1], "invitation 4", key="accounts"),
        write("use an invitation", use_invitation, "invitation", "n", "hash 6", key="accounts"),
        write("use the rider's", use_invitation, "invitation of a rider", "", None, key="accounts"),
        write(
            "use that of those who wait", use_invitation, "invitation of those who wait", "n", "hash 7", key="accounts"
        ),
        write("sign up with an invited contact", register, Newcomer("n", INVITED, "hash"), "9", key="accounts"),
        write("add an invited contact", add_account, "n", INVITED, "hash", RIDERS, key="accounts"),
        write("withdraw", withdraw, 1, key="accounts"),
        write("withdraw the rider's", withdraw, 2, key="accounts"),
        write(
            "try", begin_attempt, "two", "other@x", HOME, LOCKOUT, again=("too", "other@x", HOME, LOCKOUT), key="tries"
        ),
        write("fail", fail_attempt, ONE, LOCKOUT, again=(TWO, LOCKOUT), key="tries"),
        write("know the password", succeed, ONE, OTHER, again=(TWO, OTHER), key="tries"),
        write("give a try up", end_attempt, ONE, key=""),
        write("count a sign-up", take, "sign-up", HOME, FEW, key="tries"),
        write("give a sign-up back", give_back, "sign-up", HOME, FEW, key=""),
        write(
            "sign in",
            start_session,
            THEY,
            None,
            NewSession("second", "token 2", HOUR_MS, PHONE),
            ONE,
            again=(THEY, None, NewSession("third", "token 3", HOUR_MS, PHONE), TWO),
            key="account:2",
        ),
        write(
            "sign in with a code",
            start_session,
            RIDES,
            6,
            NewSession("fourth", "token 4", HOUR_MS, PHONE),
            THREE,
            again=(RIDES, 6, NewSession("fifth", "token 5", HOUR_MS, PHONE), FOUR),
            key="account:3",
        ),
        write(
            "renew",
            renew_session,
            "token",
            "salt",
            "next",
            HOUR_MS,
            again=("token", "salt too", "next too", HOUR_MS),
            key="renewals",
        ),
        write("sign out", sign_out, "token", key="renewals"),
        write("sign out there", sign_out_there, OTHER, "family", key="account:2"),
        write("sign out everywhere", sign_out_everywhere, OTHER, key="account:2"),
        HEARS.case("rented", RIDDEN),
        HEARS.case("returned", OVER),
        HEARS.case("paid in", AddedDeposit(userid=RIDER, deposit=500, version=1)),
        HEARS.case("fee taken", UpdatedDeposit(userid=RIDER, deposit=0, version=2)),
        HEARS.case("standing", ChangedStanding(userid=RIDER, mayrent=True, version=1, deposit=500, depositversion=1)),
        *floor((*FLOOR, *KEEPS), HEARS, OVER),
    ),
    looks=(
        (
            "there is no admin",
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE roles LIKE '%admin%' AND erased_ms IS NULL)",
        ),
        (
            "an erased account has a session",
            "SELECT family FROM sessions JOIN accounts USING (userid) WHERE erased_ms IS NOT NULL AND ended_ms IS NULL",
        ),
        (
            "a session outlives the password that it began with",
            "SELECT family FROM sessions JOIN accounts USING (userid) WHERE ended_ms IS NULL AND"
            " password_hash NOT IN ('hash', 'hash anew')",
        ),
        (
            "an account has more ways back than letters",
            "SELECT userid FROM resets GROUP BY userid HAVING count(*) > 3",
        ),
        (
            "a refresh token has two successors",
            "SELECT family FROM refresh_tokens WHERE used_ms IS NULL GROUP BY family HAVING count(*) > 1",
        ),
        (
            "more tries are under way than may fail",
            "SELECT whose FROM attempts GROUP BY whose HAVING count(*) > 3",
        ),
        (
            "an erased account knows a client",
            "SELECT userid FROM households JOIN accounts USING (userid) WHERE erased_ms IS NOT NULL",
        ),
        (
            "a code was used twice",
            "SELECT userid FROM sessions WHERE family IN ('fourth', 'fifth') GROUP BY userid HAVING count(*) > 1",
        ),
        (
            "a recovery code was used twice",
            "SELECT userid FROM sessions WHERE family IN ('sixth', 'seventh') GROUP BY userid HAVING count(*) > 1",
        ),
        (
            "a contact is of two who proved it",
            "SELECT normal FROM accounts WHERE normal IS NOT NULL GROUP BY normal HAVING count(*) > 1",
        ),
        (
            "somebody waits for a contact that another has",
            "SELECT p.userid FROM contact_proofs AS p JOIN accounts AS a ON a.normal = p.normal JOIN accounts AS w ON"
            " w.userid = p.userid WHERE a.userid <> p.userid AND p.normal = 'both@x' AND w.contact IS NULL",
        ),
        (
            "more wait for a contact than may",
            "SELECT p.normal FROM contact_proofs AS p JOIN accounts AS a ON a.userid = p.userid AND a.contact IS NULL"
            " GROUP BY p.normal HAVING count(*) > 2",
        ),
        (
            "an erased account has a contact or a code",
            "SELECT userid FROM accounts WHERE erased_ms IS NOT NULL AND (contact IS NOT NULL OR userid IN"
            " (SELECT userid FROM contact_proofs UNION SELECT userid FROM recovery_codes))",
        ),
        (
            "an erased account agrees to something",
            "SELECT userid FROM consents JOIN accounts USING (userid) WHERE erased_ms IS NOT NULL",
        ),
        (
            "a contact has two invitations",
            "SELECT normal FROM invitations GROUP BY normal HAVING count(*) > 1",
        ),
        (
            "count",
            "SELECT count(*) FROM accounts HAVING count(*) <> (SELECT coalesce(sum(n), 0) FROM counters WHERE"
            " name = 'accounts')",
        ),
    ),
    unordered={
        **{
            frozenset(
                {name, "housekeeping of contact_codes"}
            ): "what is a day old is out of the hour in which codes are counted: read, it counts 0"
            for name in COUNTED
        },
        frozenset({"offer a reset", "housekeeping of resets"}): "what comes meanwhile is left for the next time",
        frozenset({"invite", "housekeeping of invitations"}): "the same",
        frozenset({"invite the rider", "housekeeping of invitations"}): "the same",
        frozenset({"fail", "housekeeping of tries"}): "what is a day old is out of every window: read, it counts 0",
        frozenset({"count a sign-up", "housekeeping of tries"}): "the same",
        frozenset({"renew", "housekeeping of refresh_tokens"}): "of an expired session no token is kept for the next",
    },
)
