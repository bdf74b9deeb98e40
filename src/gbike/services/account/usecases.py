"""One function per sentence: who signs up, who gets in, and who decides what they may do."""

from dataclasses import dataclass

from gbike.kit.clock import Clock
from gbike.services.account.domain import (
    Access,
    Account,
    CodeNeeded,
    Credentials,
    Newcomer,
    NotEnrolling,
    Patience,
    ResetRefused,
    Role,
    Roles,
    SessionOver,
    SignInRefused,
    TooManyTries,
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
)


@dataclass(frozen=True)
class Rules:
    """How the house is set."""

    patience: Patience
    sign_ups_per_origin: int
    session_ms: int
    reset_ms: int
    codes_required_of_staff: bool


@dataclass(frozen=True)
class Desk:
    """Everything that receiving people takes."""

    accounts: Accounts
    sessions: Sessions
    enrolments: Enrolments
    resets: Resets
    passwords: Passwords
    authenticators: Authenticators
    tokens: Tokens
    sender: Sender
    clock: Clock
    rules: Rules


async def sign_up(newcomer: Newcomer, password: str, origin: str, *, desk: Desk) -> None:
    """Somebody becomes a rider. Nobody is told whether the contact had an account before."""
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    await _patiently(Try("", f"sign-up {origin}"), desk, of_origin=desk.rules.sign_ups_per_origin)
    hashed = await desk.passwords.hash(password)
    await desk.accounts.add(newcomer, hashed, (Role.RIDER,))


async def appoint_an_admin(
    newcomer: Newcomer, password: str, *, accounts: Accounts, passwords: Passwords
) -> Account | None:
    """The operator makes an admin; None when the contact has an account."""
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    return await accounts.add(newcomer, await passwords.hash(password), (Role.ADMIN,))


async def sign_in(one: Try, password: str, code: str | None, *, desk: Desk) -> Access:
    """Somebody gets in with contact, password and, where they have one, their authenticator's code."""
    await _patiently(one, desk)
    known = await desk.accounts.credentials(one.contact)
    fits = await desk.passwords.fits(known.password_hash if known else None, password)
    if known is None or not fits:
        raise SignInRefused
    step = _right_code(known, code, desk.authenticators)
    token = desk.tokens.secret()
    if not await desk.sessions.start(known, step, token, desk.rules.session_ms, one):
        raise SignInRefused
    if desk.passwords.is_old(known.password_hash):
        await desk.accounts.rehash(known, await desk.passwords.hash(password))
    return _access(known.account, token, desk)


async def refresh(refresh_token: str, *, desk: Desk) -> Access:
    """Somebody stays in. A token is good once: the one who shows it a second time may be a thief, so both are out."""
    token = desk.tokens.secret()
    account = await desk.sessions.renew(refresh_token, token, desk.rules.session_ms)
    if account is None:
        raise SessionOver
    return _access(account, token, desk)


async def change_password(userid: int, current: str, new: str, only: int | None, origin: str, *, desk: Desk) -> Account:
    """Somebody takes another password; everybody who was signed in as them is out."""
    known = await desk.accounts.credentials_of(userid, only)
    one = Try(known.account.contact or "", origin)
    must_be_strong(new, beside=(known.account.name or "", known.account.contact or ""))
    await _patiently(one, desk)
    if not await desk.passwords.fits(known.password_hash, current):
        raise SignInRefused
    await desk.sessions.forgive(one)
    changed = await desk.accounts.change_password(known, await desk.passwords.hash(new))
    if changed is None:
        raise SignInRefused
    return changed


async def ask_for_a_reset(contact: str, origin: str, *, desk: Desk) -> None:
    """Somebody forgot their password. A token is sent to the account of the contact, if there is one."""
    await _patiently(Try(f"reset {contact}", origin), desk)
    token, expires_ms = desk.tokens.secret(), desk.clock.now_ms() + desk.rules.reset_ms
    userid = await desk.resets.offer(contact, token, expires_ms)
    if userid is not None:
        await desk.sender.send_reset(userid, token, expires_ms)


async def reset_password(token: str, new: str, origin: str, *, desk: Desk) -> Account:
    """Somebody comes back with the token they were sent; it is good once."""
    must_be_strong(new, beside=())
    await _patiently(Try("", origin), desk)
    account = await desk.resets.use(token, await desk.passwords.hash(new), desk.rules.reset_ms)
    if account is None:
        raise ResetRefused
    return account


async def grant_roles(userid: int, roles: Roles, managerid: int | None, *, desk: Desk) -> Account:
    """An admin says what somebody may do; field staff have a number among the managers, their own unless told."""
    staff = Role.BIKE_MANAGER in roles
    return await desk.accounts.set_roles(userid, roles, (managerid or userid) if staff else None)


async def begin_enrolment(userid: int, only: int | None, *, desk: Desk) -> str:
    """Somebody takes an authenticator: its secret, which a first code must confirm."""
    sealed, secret = desk.authenticators.new(userid)
    await desk.enrolments.begin(userid, sealed, only)
    return secret


async def confirm_enrolment(userid: int, code: str, only: int | None, origin: str, *, desk: Desk) -> Account:
    """The first code is right: from now on nobody gets in without one."""
    known = await desk.accounts.credentials_of(userid, only)
    if known.account.codes_wanted or known.sealed is None:
        raise NotEnrolling
    await _patiently(Try(known.account.contact or "", origin), desk)
    step = desk.authenticators.step(known.sealed, code, userid, known.last_step)
    if step is None:
        raise SignInRefused
    return await desk.enrolments.confirm(userid, known.sealed, step, only)


async def _patiently(one: Try, desk: Desk, of_origin: int | None = None) -> None:
    """Counted before it is judged, so that many guesses at once are no more than one after the other."""
    patience = desk.rules.patience
    if of_origin is not None:
        patience = Patience(patience.of_contact, of_origin, patience.window_ms)
    wait_s = await desk.sessions.count(one, patience)
    if wait_s:
        raise TooManyTries(wait_s)


def _right_code(known: Credentials, code: str | None, authenticators: Authenticators) -> int | None:
    if not known.account.codes_wanted or known.sealed is None:
        return None
    if code is None:
        raise CodeNeeded
    step = authenticators.step(known.sealed, code, known.account.userid, known.last_step)
    if step is None:
        raise SignInRefused
    return step


def _access(account: Account, refresh_token: str, desk: Desk) -> Access:
    roles = roles_in_session(account, codes_required_of_staff=desk.rules.codes_required_of_staff)
    managerid = account.managerid if Role.BIKE_MANAGER in roles else None
    text, lasts_s = desk.tokens.access(account.userid, roles, managerid, tokenversion=account.tokenversion)
    return Access(account, roles, text, lasts_s, refresh_token)
