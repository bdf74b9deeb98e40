"""One function per sentence: who signs up, who gets in, and who decides what they may do."""

from contextlib import suppress

from gbike.kit.contacts import Contact, reachable
from gbike.kit.passwords import HashingBusy
from gbike.services.account.domain import (
    CODE_DIGITS,
    MOST_UNPROVED,
    About,
    Access,
    Account,
    CodeNeeded,
    Credentials,
    Device,
    Newcomer,
    ResetRefused,
    Role,
    Roles,
    SessionOver,
    SignInRefused,
    Try,
    must_be_strong,
    plain_code,
    roles_in_session,
)
from gbike.services.account.ports import Accounts, Authenticators, Passwords
from gbike.services.account.usecases.desk import Asker, Desk, must_be_recent, must_know, tell, trying
from gbike.services.account.usecases.proving import send


async def sign_up(name: str, contact: str, password: str, client: str, *, desk: Desk) -> None:
    """Somebody becomes a rider, whose contact a code must prove. Nobody is told whether it had an account before, but
    the one who has proved it. Raises BadContact."""
    wanted = reachable(contact, desk.rules.phone_region)
    newcomer = Newcomer(name, wanted.typed, wanted.normal)
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    await desk.tries.take("sign-up", client, desk.rules.sign_ups)
    code = desk.tokens.digits(CODE_DIGITS)
    try:
        hashed = await desk.passwords.hash(password)
        wish = await desk.contacts.sign_up(newcomer, hashed, code)
    except BaseException:
        desk.tries.give_back("sign-up", client, desk.rules.sign_ups)
        raise
    await send(wish, code, desk)


async def appoint_an_admin(
    newcomer: Newcomer, password: str, *, accounts: Accounts, passwords: Passwords
) -> Account | None:
    """The operator makes an admin; None when the contact has an account."""
    must_be_strong(password, beside=(newcomer.name, newcomer.contact))
    return await accounts.add(newcomer, await passwords.hash(password), (Role.ADMIN,))


async def sign_in(who: tuple[Contact, str], password: str, code: str | None, device: Device, *, desk: Desk) -> Access:
    """Somebody gets in with contact, password and, where they have one, their authenticator's code. `who`: the contact,
    and the client as in a Try."""
    contact, client = who
    async with trying(Try(contact.normal, client), desk) as attempt:
        found = await desk.contacts.candidates(contact)
        which = await desk.passwords.which([each.password_hash for each in found], password, MOST_UNPROVED)
        if which is None:
            raise SignInRefused
        known = found[which]
        step = _right_code(known, code, desk.authenticators)
        token = desk.tokens.secret()
        session = await desk.sessions.start(known, step, token, desk.rules.session_ms, (attempt, device))
        if session is None:
            raise SignInRefused
    if isinstance(step, str):
        await tell(known.account, About.RECOVERED, desk)
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


async def change_password(userid: int, current: str, new: str, only: int | None, client: str, *, desk: Desk) -> Account:
    """Somebody takes another password; everybody who was signed in as them is out."""
    known = await desk.accounts.credentials_of(userid, only)
    must_be_strong(new, beside=(known.account.name or "", known.account.contact or ""))
    await must_know(known, current, client, desk)
    changed = await desk.accounts.change_password(known, await desk.passwords.hash(new))
    if changed is None:
        raise SignInRefused
    await tell(changed, About.PASSWORD, desk)
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
    await tell(account, About.PASSWORD, desk)
    return account


async def grant_roles(userid: int, roles: Roles, managerid: int | None, *, desk: Desk) -> Account:
    """An admin says what somebody may do; field staff have a number among the managers, their own unless told."""
    staff = Role.BIKE_MANAGER in roles
    account = await desk.accounts.set_roles(userid, roles, (managerid or userid) if staff else None)
    await tell(account, About.ROLES, desk)
    return account


async def erase(userid: int, only: int | None, asker: Asker, *, desk: Desk) -> Account:
    """Somebody is forgotten, at their wish or an admin's."""
    await desk.accounts.one(userid, only)
    await must_be_recent(asker, desk=desk)
    account = await desk.accounts.erase(userid, only)
    await desk.sender.forget(userid)
    return account


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


def _access(account: Account, refresh_token: str, session: tuple[str, int | None], desk: Desk) -> Access:
    """`session`: its name, and when the password was shown in it, s."""
    roles = roles_in_session(account, codes_required_of_staff=desk.rules.codes_required_of_staff)
    managerid = account.managerid if Role.BIKE_MANAGER in roles else None
    text, lasts_s = desk.tokens.access(account.userid, roles, managerid, session, tokenversion=account.tokenversion)
    return Access(account, roles, text, lasts_s, refresh_token)
