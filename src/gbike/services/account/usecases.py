"""One function per sentence: who signs up, who gets in, and who decides what they may do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from gbike.kit.access.principal import DEMO, Principal
from gbike.kit.clock import Clock, is_ahead
from gbike.kit.passwords import HashingBusy
from gbike.services.account.domain import (
    RECENT_S,
    Access,
    Account,
    Attempt,
    CodeNeeded,
    Credentials,
    Device,
    Newcomer,
    NoSuchAccount,
    NotEnrolling,
    Pace,
    Patience,
    ResetRefused,
    Role,
    Roles,
    SessionOver,
    SignInAgain,
    SignInRefused,
    Try,
    must_be_strong,
    roles_in_session,
)
from gbike.services.account.ports import (
    Accounts,
    Authenticators,
    Enrolments,
    Passwords,
    Resets,
    Sender,
    Sessions,
    Tokens,
    Tries,
)


@dataclass(frozen=True)
class Rules:
    """How the house is set."""

    patience: Patience
    sign_ups: Pace
    resets: Pace
    session_ms: int
    reset_ms: int
    codes_required_of_staff: bool


@dataclass(frozen=True)
class Desk:
    """Everything that receiving people takes."""

    accounts: Accounts
    sessions: Sessions
    tries: Tries
    enrolments: Enrolments
    resets: Resets
    passwords: Passwords
    authenticators: Authenticators
    tokens: Tokens
    sender: Sender
    clock: Clock
    rules: Rules


@dataclass(frozen=True)
class Asker:
    """Who asks for what the password protects. `password` None: they did not show it. `client`: as in a Try."""

    principal: Principal
    password: str | None
    client: str


async def sign_up(newcomer: Newcomer, password: str, client: str, *, desk: Desk) -> None:
    """Somebody becomes a rider. Nobody is told whether the contact had an account before."""
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    await desk.tries.take("sign-up", client, desk.rules.sign_ups)
    try:
        hashed = await desk.passwords.hash(password)
        await desk.accounts.add(newcomer, hashed, (Role.RIDER,))
    except BaseException:
        desk.tries.give_back("sign-up", client, desk.rules.sign_ups)
        raise


async def appoint_an_admin(
    newcomer: Newcomer, password: str, *, accounts: Accounts, passwords: Passwords
) -> Account | None:
    """The operator makes an admin; None when the contact has an account."""
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    return await accounts.add(newcomer, await passwords.hash(password), (Role.ADMIN,))


async def sign_in(one: Try, password: str, code: str | None, device: Device, *, desk: Desk) -> Access:
    """Somebody gets in with contact, password and, where they have one, their authenticator's code."""
    async with _trying(one, desk) as attempt:
        known = await desk.accounts.credentials(one.contact)
        fits = await desk.passwords.fits(known.password_hash if known else None, password)
        if known is None or not fits:
            raise SignInRefused
        step = _right_code(known, code, desk.authenticators)
        token = desk.tokens.secret()
        session = await desk.sessions.start(known, step, token, desk.rules.session_ms, (attempt, device))
        if session is None:
            raise SignInRefused
    if desk.passwords.is_old(known.password_hash):
        with suppress(HashingBusy):  # they are in; the next time will do
            await desk.accounts.rehash(known, await desk.passwords.hash(password))
    return _access(known.account, token, (session, desk.clock.now_ms() // 1000), desk)


async def refresh(refresh_token: str, *, desk: Desk) -> Access:
    """Somebody stays in. A token is good once: the one who shows it a second time may be a thief, so both are out; but
    while nobody has used the next one, it is answered again for a moment, as the answer may have been lost."""
    salt = desk.tokens.secret()
    following = desk.tokens.successor(refresh_token, salt)
    renewal = await desk.sessions.renew(refresh_token, salt, following, desk.rules.session_ms)
    if renewal is None:
        raise SessionOver
    following = desk.tokens.successor(refresh_token, renewal.salt)
    return _access(renewal.account, following, (renewal.session, renewal.auth_time_s), desk)


async def must_be_recent(asker: Asker, *, desk: Desk) -> None:
    """Whoever asks shows their own password, also where it is about somebody else's account, or showed it RECENT_S ago
    at most. Raises SignInAgain, or what a sign-in raises: a wrong password is a failure like any other."""
    principal = asker.principal
    if principal == DEMO:
        return
    if asker.password is None:
        if not _is_recent(principal.auth_time, desk.clock.now_ms()):
            raise SignInAgain
        return
    try:
        known = await desk.accounts.credentials_of(principal.userid or 0, principal.userid)
    except NoSuchAccount:
        raise SignInAgain from None  # an outside issuer's: there is no password here
    await _must_know(known, asker.password, asker.client, desk)


async def change_password(userid: int, current: str, new: str, only: int | None, client: str, *, desk: Desk) -> Account:
    """Somebody takes another password; everybody who was signed in as them is out."""
    known = await desk.accounts.credentials_of(userid, only)
    must_be_strong(new, beside=(known.account.name or "", known.account.contact or ""))
    await _must_know(known, current, client, desk)
    changed = await desk.accounts.change_password(known, await desk.passwords.hash(new))
    if changed is None:
        raise SignInRefused
    return changed


async def ask_for_a_reset(contact: str, client: str, *, desk: Desk) -> None:
    """Somebody forgot their password. A token is sent to the account of the contact, if there is one."""
    await desk.tries.take("reset", client, desk.rules.resets)
    token = desk.tokens.secret()
    offered = await desk.resets.offer(contact, token, desk.rules.reset_ms)
    if offered is not None:
        userid, expires_ms = offered
        await desk.sender.send_reset(userid, token, expires_ms)


async def reset_password(token: str, new: str, client: str, *, desk: Desk) -> Account:
    """Somebody comes back with the token they were sent; it is good once. A guess at 256 bits need not be counted, and
    costs no hash."""
    must_be_strong(new, beside=())
    if not await desk.resets.is_good(token, desk.clock.now_ms(), desk.rules.reset_ms):
        raise ResetRefused
    account = await desk.resets.use(token, await desk.passwords.hash(new), desk.rules.reset_ms, client)
    if account is None:
        raise ResetRefused
    return account


async def grant_roles(userid: int, roles: Roles, managerid: int | None, *, desk: Desk) -> Account:
    """An admin says what somebody may do; field staff have a number among the managers, their own unless told."""
    staff = Role.BIKE_MANAGER in roles
    return await desk.accounts.set_roles(userid, roles, (managerid or userid) if staff else None)


async def begin_enrolment(userid: int, only: int | None, asker: Asker, *, desk: Desk) -> str:
    """Somebody takes an authenticator: its secret, which a first code must confirm."""
    await desk.accounts.one(userid, only)
    await must_be_recent(asker, desk=desk)
    sealed, secret = desk.authenticators.new(userid)
    await desk.enrolments.begin(userid, sealed, only)
    return secret


async def confirm_enrolment(userid: int, code: str, only: int | None, asker: Asker, *, desk: Desk) -> Account:
    """The first code is right: from now on nobody gets in without one."""
    known = await desk.accounts.credentials_of(userid, only)
    await must_be_recent(asker, desk=desk)
    if known.account.codes_wanted or known.sealed is None:
        raise NotEnrolling
    async with _trying(Try(known.account.contact or "", asker.client), desk) as attempt:
        step = desk.authenticators.step(known.sealed, code, userid, known.last_step)
        if step is None:
            raise SignInRefused
        desk.tries.drop(attempt)
    return await desk.enrolments.confirm(userid, known.sealed, step, only)


async def erase(userid: int, only: int | None, asker: Asker, *, desk: Desk) -> Account:
    """Somebody is forgotten, at their wish or an admin's."""
    await desk.accounts.one(userid, only)
    await must_be_recent(asker, desk=desk)
    return await desk.accounts.erase(userid, only)


@asynccontextmanager
async def _trying(one: Try, desk: Desk) -> AsyncIterator[Attempt]:
    """Put down before it is judged, so that many guesses at once are no more than one after the other. Only a try that
    was judged wrong is a failure: not one that nobody had room to judge, that was given up, or that lacks a code."""
    attempt = await desk.tries.begin(one, desk.rules.patience)
    try:
        yield attempt
    except SignInRefused:
        await desk.tries.fail(attempt, desk.rules.patience)
        raise
    except BaseException:
        desk.tries.drop(attempt)
        raise


async def _must_know(known: Credentials, password: str, client: str, desk: Desk) -> None:
    """Raises SignInRefused for a wrong password."""
    async with _trying(Try(known.account.contact or "", client), desk) as attempt:
        if not await desk.passwords.fits(known.password_hash, password):
            raise SignInRefused
        await desk.tries.succeed(attempt, known.account.userid)


def _is_recent(auth_time_s: int | None, now_ms: int) -> bool:
    """Whether the password was shown a moment ago. A moment ahead is that of a clock that was set back since."""
    return auth_time_s is not None and is_ahead((auth_time_s + RECENT_S + 1) * 1000, now_ms, RECENT_S * 1000)


def _right_code(known: Credentials, code: str | None, authenticators: Authenticators) -> int | None:
    if not known.account.codes_wanted or known.sealed is None:
        return None
    if code is None:
        raise CodeNeeded
    step = authenticators.step(known.sealed, code, known.account.userid, known.last_step)
    if step is None:
        raise SignInRefused
    return step


def _access(account: Account, refresh_token: str, session: tuple[str, int | None], desk: Desk) -> Access:
    """`session`: its name, and when the password was shown in it, s."""
    roles = roles_in_session(account, codes_required_of_staff=desk.rules.codes_required_of_staff)
    managerid = account.managerid if Role.BIKE_MANAGER in roles else None
    text, lasts_s = desk.tokens.access(account.userid, roles, managerid, session)
    return Access(account, roles, text, lasts_s, refresh_token)
