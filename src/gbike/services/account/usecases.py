"""One function per sentence: who signs up, who gets in, and who decides what they may do."""

from dataclasses import dataclass

from gbike.kit.clock import Clock
from gbike.kit.contacts import REGION, Contact, known_as, reachable
from gbike.services.account.domain import (
    CODE_DIGITS,
    CODE_MS,
    MOST_UNPROVED,
    RECOVERY_CODES,
    About,
    Access,
    Account,
    CodeNeeded,
    CodeWish,
    Credentials,
    Newcomer,
    NotEnrolling,
    Patience,
    ProofRefused,
    ResetRefused,
    Role,
    Roles,
    SessionOver,
    SignInRefused,
    TooManyTries,
    Try,
    must_be_strong,
    plain_code,
    roles_in_session,
)
from gbike.services.account.ports import (
    Accounts,
    Authenticators,
    Contacts,
    Enrolments,
    Passwords,
    Recovery,
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
    phone_region: str = REGION


@dataclass(frozen=True)
class Desk:
    """Everything that receiving people takes."""

    accounts: Accounts
    contacts: Contacts
    sessions: Sessions
    enrolments: Enrolments
    recovery: Recovery
    resets: Resets
    passwords: Passwords
    authenticators: Authenticators
    tokens: Tokens
    sender: Sender
    clock: Clock
    rules: Rules


async def sign_up(name: str, contact: str, password: str, origin: str, *, desk: Desk) -> None:
    """Somebody becomes a rider, whose contact a code must prove. Nobody is told whether it had an account before, but
    the one who has proved it. Raises BadContact."""
    wanted = reachable(contact, desk.rules.phone_region)
    newcomer = Newcomer(name, wanted.typed, wanted.normal)
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    await _patiently(Try("", f"sign-up {origin}"), desk, of_origin=desk.rules.sign_ups_per_origin)
    hashed = await desk.passwords.hash(password)
    code = desk.tokens.digits(CODE_DIGITS)
    await _send(await desk.contacts.sign_up(newcomer, hashed, code), code, desk)


async def appoint_an_admin(
    newcomer: Newcomer, password: str, *, accounts: Accounts, passwords: Passwords
) -> Account | None:
    """The operator makes an admin; None when the contact has an account."""
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    return await accounts.add(newcomer, await passwords.hash(password), (Role.ADMIN,))


async def sign_in(contact: Contact, password: str, code: str | None, origin: str, *, desk: Desk) -> Access:
    """Somebody gets in with contact, password and, where they have one, their authenticator's code."""
    one = Try(contact.normal, origin)
    await _patiently(one, desk)
    found = await desk.contacts.candidates(contact)
    which = await desk.passwords.which([each.password_hash for each in found], password, MOST_UNPROVED)
    if which is None:
        raise SignInRefused
    known = found[which]
    step = _right_code(known, code, desk.authenticators)
    token = desk.tokens.secret()
    if not await desk.sessions.start(known, step, token, desk.rules.session_ms, one):
        raise SignInRefused
    if isinstance(step, str):
        await _tell(known.account, About.RECOVERED, desk)
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
    one = _try_of(known.account, origin, desk)
    must_be_strong(new, beside=(known.account.name or "", known.account.contact or ""))
    await _patiently(one, desk)
    if not await desk.passwords.fits(known.password_hash, current):
        raise SignInRefused
    await desk.sessions.forgive(one)
    changed = await desk.accounts.change_password(known, await desk.passwords.hash(new))
    if changed is None:
        raise SignInRefused
    await _tell(changed, About.PASSWORD, desk)
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
    await _tell(account, About.PASSWORD, desk)
    return account


async def grant_roles(userid: int, roles: Roles, managerid: int | None, *, desk: Desk) -> Account:
    """An admin says what somebody may do; field staff have a number among the managers, their own unless told."""
    staff = Role.BIKE_MANAGER in roles
    account = await desk.accounts.set_roles(userid, roles, (managerid or userid) if staff else None)
    await _tell(account, About.ROLES, desk)
    return account


async def prove_contact(userid: int, code: str, only: int | None, *, desk: Desk) -> Account:
    """The code came: from now on the contact is theirs. Raises NothingToProve, ProofRefused."""
    before = await desk.accounts.one(userid, only)
    account = await desk.contacts.prove(userid, code, only)
    if account is None:
        raise ProofRefused
    if before.proved:
        await _tell(account, About.CONTACT, desk)
    return account


async def ask_for_a_code(userid: int, only: int | None, *, desk: Desk) -> None:
    """Somebody wants another code for the contact that they have yet to prove. Raises NothingToProve, TooManyTries."""
    code = desk.tokens.digits(CODE_DIGITS)
    await _send(await desk.contacts.renew(userid, code, only), code, desk)


async def change_contact(known: Credentials, contact: str, *, desk: Desk) -> None:
    """Somebody who has shown that it is they takes another contact: it counts once a code proves it, and the contact
    so far hears of it before. Raises BadContact, TooManyTries."""
    wanted, userid = reachable(contact, desk.rules.phone_region), known.account.userid
    code = desk.tokens.digits(CODE_DIGITS)
    wish = await desk.contacts.take(userid, wanted, code)
    await _tell(known.account, About.CONTACT_ASKED, desk)
    await _send(wish, code, desk)


async def must_be_they(userid: int, password: str, only: int | None, origin: str, *, desk: Desk) -> Credentials:
    """Before what a stolen session must not do, the password is asked for. Raises SignInRefused, TooManyTries."""
    known = await desk.accounts.credentials_of(userid, only)
    one = _try_of(known.account, origin, desk)
    await _patiently(one, desk)
    if not await desk.passwords.fits(known.password_hash, password):
        raise SignInRefused
    await desk.sessions.forgive(one)
    return known


async def begin_enrolment(userid: int, only: int | None, *, desk: Desk) -> str:
    """Somebody takes an authenticator: its secret, which a first code must confirm."""
    sealed, secret = desk.authenticators.new(userid)
    await desk.enrolments.begin(userid, sealed, only)
    return secret


async def confirm_enrolment(
    userid: int, code: str, only: int | None, origin: str, *, desk: Desk
) -> tuple[Account, list[str]]:
    """The first code is right: from now on nobody gets in without one, or one of the recovery codes that are answered
    this once."""
    known = await desk.accounts.credentials_of(userid, only)
    if known.account.codes_wanted or known.sealed is None:
        raise NotEnrolling
    await _patiently(_try_of(known.account, origin, desk), desk)
    step = desk.authenticators.step(known.sealed, code, userid, known.last_step)
    if step is None:
        raise SignInRefused
    codes = _recovery_codes(desk)
    account = await desk.enrolments.confirm(userid, known.sealed, step, only, recovery=codes)
    await _tell(account, About.FACTOR, desk)
    return account, codes


async def renew_recovery_codes(known: Credentials, *, desk: Desk) -> tuple[Account, list[str]]:
    """Somebody who has shown that it is they takes other recovery codes. Raises NotEnrolling."""
    codes, userid = _recovery_codes(desk), known.account.userid
    account = await desk.recovery.renew(userid, codes, userid)
    await _tell(account, About.RECOVERY, desk)
    return account, codes


async def remove_authenticator(userid: int, *, desk: Desk) -> Account:
    """An admin takes a lost authenticator away."""
    account = await desk.enrolments.remove(userid)
    await _tell(account, About.FACTOR_GONE, desk)
    return account


async def _tell(account: Account, about: About, desk: Desk) -> None:
    """The person, where the contact is known to be theirs."""
    if account.proved:
        await desk.sender.send_notice(account.userid, about)


async def _send(wish: CodeWish, code: str, desk: Desk) -> None:
    """The code to the contact, or word to the one who has proved it that somebody else gave it as theirs."""
    if wish.userid is not None:
        await desk.sender.send_code(wish.userid, code, desk.clock.now_ms() + CODE_MS)
    elif wish.owner is not None:
        await desk.sender.send_notice(wish.owner, About.SIGN_UP)


def _recovery_codes(desk: Desk) -> list[str]:
    return [desk.tokens.recovery_code() for _ in range(RECOVERY_CODES)]


def _try_of(account: Account, origin: str, desk: Desk) -> Try:
    """A guess of somebody who is in counts with those at the door."""
    contact = known_as(account.contact, desk.rules.phone_region).normal if account.contact else ""
    return Try(contact or f"account {account.userid}", origin)


async def _patiently(one: Try, desk: Desk, of_origin: int | None = None) -> None:
    """Counted before it is judged, so that many guesses at once are no more than one after the other."""
    patience = desk.rules.patience
    if of_origin is not None:
        patience = Patience(patience.of_contact, of_origin, patience.window_ms)
    wait_s = await desk.sessions.count(one, patience)
    if wait_s:
        raise TooManyTries(wait_s)


def _right_code(known: Credentials, code: str | None, authenticators: Authenticators) -> int | str | None:
    """The step of the authenticator's code; or what may be a recovery code, which is used up with the sign-in."""
    if not known.account.codes_wanted or known.sealed is None:
        return None
    if code is None:
        raise CodeNeeded
    if not code.isdigit():
        return plain_code(code)
    step = authenticators.step(known.sealed, code, known.account.userid, known.last_step)
    if step is None:
        raise SignInRefused
    return step


def _access(account: Account, refresh_token: str, desk: Desk) -> Access:
    roles = roles_in_session(account, codes_required_of_staff=desk.rules.codes_required_of_staff)
    managerid = account.managerid if Role.BIKE_MANAGER in roles else None
    text, lasts_s = desk.tokens.access(account.userid, roles, managerid, tokenversion=account.tokenversion)
    return Access(account, roles, text, lasts_s, refresh_token)
