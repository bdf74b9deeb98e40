"""Accounts: 1 and 2 are the admins, 2 is signed in; 2 is enrolling and 3, a rider, has an authenticator and asked for a
reset. 4 and 5 have yet to prove the same contact, and 2 another one."""

from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import AddedDeposit, ChangedStanding, UpdatedDeposit
from gbike.kit.contacts import Contact
from gbike.kit.housekeeping import FLOOR
from gbike.services.account.domain import Account, Attempt, Credentials, Device, Newcomer, Pace, Patience, Role, Try
from gbike.services.account.policies import POLICIES
from gbike.services.account.storage import KEEPS
from gbike.services.account.storage.accounts import (
    add,
    begin_enrolment,
    change_password,
    confirm_enrolment,
    erase,
    forget,
    rehash,
    remove_enrolment,
    rename,
    set_roles,
)
from gbike.services.account.storage.contacts import prove, sign_up
from gbike.services.account.storage.contacts import renew as another_code
from gbike.services.account.storage.contacts import take as take_contact
from gbike.services.account.storage.recovery import renew as other_codes
from gbike.services.account.storage.resets import offer, use
from gbike.services.account.storage.sessions import end, end_all, end_one, renew, start
from gbike.services.account.storage.tries import begin, drop, fail, give_back, succeed, take
from tests.concurrency.house import Hears, House, do, floor, write
from tests.concurrency.stepping import NOW

ADMIN, OTHER, RIDER, FIRST, SECOND = 1, 2, 3, 4, 5
HEARS = Hears(POLICIES)
RIDDEN = Rented(rentid=9, userid=RIDER, bikeid=7, status="rented", starttime=NOW)
OVER = Returned(rentid=9, userid=RIDER, bikeid=7, status="returned", endtime=NOW, starttime=NOW)
HOUR_MS = 3_600_000
RIDERS = (Role.RIDER,)
ADMINS = (Role.ADMIN,)
PATIENCE = Patience(3, HOUR_MS, Pace(20, HOUR_MS), Pace(20, HOUR_MS))
FEW = Pace(2, HOUR_MS)
HOME = "10.0.0.1"
AGAIN, RIDERS_TRY = Try("other@x", HOME), Try("rider@x", HOME)
ONE, TWO = Attempt("one", "other@x", HOME, known=False), Attempt("two", "other@x", HOME, known=False)
THREE, FOUR = Attempt("three", "rider@x", HOME, known=False), Attempt("four", "rider@x", HOME, known=False)
PHONE = Device("10.0.0.0/24", "Chrome")
OLD, NEW = b"sealed", b"sealed anew"


def known(userid: int, contact: str, roles: tuple[Role, ...], codes: bool = False) -> Credentials:
    account = Account(userid, contact, contact, roles, None, codes, NOW)
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
        do(add, Newcomer("admin@x", "admin@x"), "hash", ADMINS),
        do(add, Newcomer("other@x", "other@x"), "hash", ADMINS),
        do(add, Newcomer("rider@x", "rider@x"), "hash", RIDERS),
        do(start, THEY, None, ("family", "token"), HOUR_MS, (Attempt("zero", "other@x", "10.9.9.9", False), PHONE)),
        do(begin_enrolment, RIDER, OLD, None),
        do(confirm_enrolment, RIDER, OLD, 5, None, ("recovery", "recovery 2")),
        do(begin_enrolment, OTHER, OLD, None),
        do(offer, "rider@x", "reset", HOUR_MS),
        do(offer, "rider@x", "reset too", HOUR_MS),
        do(sign_up, Newcomer("first", "both@x"), "hash", "1111"),
        do(sign_up, Newcomer("second", "both@x"), "hash", "2222"),
        do(take_contact, OTHER, Contact("other@y", "other@y"), "3333"),
        do(begin, "before", AGAIN, PATIENCE),
        do(begin, "three", RIDERS_TRY, PATIENCE),
        do(fail, Attempt("before", "other@x", HOME, known=False), PATIENCE),
        do(begin, "one", AGAIN, PATIENCE),
        do(take, "sign-up", HOME, FEW),
    ),
    cases=(
        write("add", add, Newcomer("n", "new@x"), "hash", RIDERS, key="accounts"),
        write("add an admin", add, Newcomer("n", "new@x"), "hash", ADMINS, key="accounts"),
        write(
            "sign up",
            sign_up,
            Newcomer("n", "new@x"),
            "hash",
            "4444",
            again=(Newcomer("m", "new@x"), "hash", "5555"),
            key="accounts",
        ),
        write(
            "sign up with a contact that two wait for", sign_up, Newcomer("n", "both@x"), "hash", "4", key="accounts"
        ),
        write("prove a contact", prove, FIRST, "1111", None, again=(SECOND, "2222", None), key="account:4"),
        write("prove it too", prove, SECOND, "2222", None, key="account:5"),
        write("prove another contact", prove, OTHER, "3333", None, key="account:2"),
        write("fail to prove", prove, FIRST, "9999", None, key="account:4"),
        write("ask for another code", another_code, FIRST, "6666", None, again=(SECOND, "7", None), key="account:4"),
        write("take another contact", take_contact, FIRST, Contact("new@x", "new@x"), "8888", key="account:4"),
        write(
            "take a contact that one waits for", take_contact, OTHER, Contact("both@x", "both@x"), "8", key="account:2"
        ),
        write("erase who waits", erase, FIRST, None, key="account:4"),
        write("make other recovery codes", other_codes, RIDER, ("a", "b"), None, again=(RIDER, ("c",), None)),
        write(
            "sign in with a recovery code",
            start,
            RIDES,
            "recovery",
            ("sixth", "token 6"),
            HOUR_MS,
            (THREE, PHONE),
            again=(RIDES, "recovery", ("seventh", "token 7"), HOUR_MS, (FOUR, PHONE)),
            key="account:3",
        ),
        write("rename", rename, OTHER, "one", None, again=(OTHER, "other", None), key="account:2"),
        write("grant", set_roles, RIDER, ADMINS, None, key="account:3"),
        write("take away", set_roles, ADMIN, RIDERS, None, again=(OTHER, RIDERS, None), key="account:1"),
        write("take away from the other", set_roles, OTHER, RIDERS, None, key="account:2"),
        write(
            "change the password",
            change_password,
            OTHER,
            "hash",
            "hash 2",
            again=(OTHER, "hash", "hash 3"),
            key="account:2",
        ),
        write("change the rider's password", change_password, RIDER, "hash", "hash 2", key="account:3"),
        write("rehash", rehash, OTHER, "hash", "hash anew", key="account:2"),
        write("erase", erase, OTHER, None, key="account:2"),
        write("erase the rider", erase, RIDER, None, key="account:3"),
        write("erase the admin", erase, ADMIN, None, key="account:1"),
        write("forget", forget, RIDER, key="account:3"),
        write("begin an enrolment", begin_enrolment, OTHER, NEW, None, key="account:2"),
        write("confirm an enrolment", confirm_enrolment, OTHER, OLD, 6, None, key="account:2"),
        write("remove an enrolment", remove_enrolment, RIDER, key="account:3"),
        write(
            "offer a reset",
            offer,
            "rider@x",
            "reset 2",
            HOUR_MS,
            again=("rider@x", "reset 3", HOUR_MS),
            key="resets",
        ),
        write("use a reset", use, "reset", "hash 4", HOUR_MS, HOME, key="resets"),
        write("use the other", use, "reset too", "hash 5", HOUR_MS, HOME, key="resets"),
        write("try", begin, "two", AGAIN, PATIENCE, again=("too", AGAIN, PATIENCE), key="tries"),
        write("fail", fail, ONE, PATIENCE, again=(TWO, PATIENCE), key="tries"),
        write("know the password", succeed, ONE, OTHER, again=(TWO, OTHER), key="tries"),
        write("give a try up", drop, ONE, key=""),
        write("count a sign-up", take, "sign-up", HOME, FEW, key="tries"),
        write("give a sign-up back", give_back, "sign-up", HOME, FEW, key=""),
        write(
            "sign in",
            start,
            THEY,
            None,
            ("second", "token 2"),
            HOUR_MS,
            (ONE, PHONE),
            again=(THEY, None, ("third", "token 3"), HOUR_MS, (TWO, PHONE)),
            key="account:2",
        ),
        write(
            "sign in with a code",
            start,
            RIDES,
            6,
            ("fourth", "token 4"),
            HOUR_MS,
            (THREE, PHONE),
            again=(RIDES, 6, ("fifth", "token 5"), HOUR_MS, (FOUR, PHONE)),
            key="account:3",
        ),
        write(
            "renew",
            renew,
            "token",
            "salt",
            "next",
            HOUR_MS,
            again=("token", "salt too", "next too", HOUR_MS),
            key="renewals",
        ),
        write("sign out", end, "token", key="renewals"),
        write("sign out there", end_one, OTHER, "family", None, key="account:2"),
        write("sign out everywhere", end_all, OTHER, None, key="account:2"),
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
        frozenset({"fail", "housekeeping of tries"}): "what is a day old is out of every window: read, it counts 0",
        frozenset({"count a sign-up", "housekeeping of tries"}): "the same",
        frozenset({"renew", "housekeeping of refresh_tokens"}): "of an expired session no token is kept for the next",
    },
)
