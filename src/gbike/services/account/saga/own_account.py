"""What people do with their own account, and admins with everybody's: contact, password, authenticator, erasure."""

from gbike.kit.clock import is_ahead
from gbike.kit.contacts import reachable
from gbike.services.account import domain
from gbike.services.account.clients.tokens import digits, recovery_code, secret
from gbike.services.account.commands.accounts import (
    confirm_authenticator,
    erase_account,
    replace_recovery_codes,
    seal_authenticator,
)
from gbike.services.account.commands.contacts import prove_contact, renew_code, take_contact
from gbike.services.account.commands.passwords import offer_reset, replace_password, use_reset
from gbike.services.account.commands.sign_in_attempts import take
from gbike.services.account.saga.services import AccountServices, attempt_of, drop, must_be_recent, must_know
from gbike.services.account.storage import accounts, contacts, resets
from gbike.services.account.storage.secrets import kept


async def prove_own_contact(userid: int, code: str, services: AccountServices) -> domain.Account:
    """The code came: from now on the contact is theirs. Raises NoSuchAccount, NothingToProve, ProofRefused."""
    before = await services.store.read(accounts.load, userid)
    account = await services.store.write(prove_contact, userid, code, key=f"account:{userid}")
    if account is None:
        raise domain.ProofRefused
    if before.proved:
        await services.notify(account, domain.About.CONTACT)
    return account


async def ask_for_a_code(userid: int, services: AccountServices) -> None:
    """Another code for the contact that is yet to be proved. Raises NoSuchAccount, NothingToProve, TooManyAttempts."""
    code = digits(domain.CODE_DIGITS)
    await send_code(await services.store.write(renew_code, userid, code, key=f"account:{userid}"), code, services)


async def change_contact(
    userid: int, contact: str, password: str | None, client: str, services: AccountServices
) -> None:
    """Somebody takes another contact: it counts once a code proves it, and the contact so far hears of it before.
    Raises BadContact, NoSuchAccount, TooManyAttempts, and what must_be_recent does."""
    wanted = reachable(contact, services.policy.phone_region)
    before = await services.store.read(accounts.load, userid)
    await must_be_recent(password, client, services)
    code = digits(domain.CODE_DIGITS)
    wish = await services.store.write(take_contact, userid, wanted, code, key=f"account:{userid}")
    await services.notify(before, domain.About.CONTACT_ASKED)
    await send_code(wish, code, services)


async def send_code(wish: domain.CodeWish, code: str, services: AccountServices) -> None:
    """The code to the contact, or word to the one who has proved it that somebody else gave it as theirs."""
    if wish.userid is not None:
        expires_ms = services.clock.now_ms() + domain.CODE_MS
        await services.sender.send_code(wish.userid, wish.contact, code, expires_ms)
    elif wish.owner is not None:
        await services.sender.send_notice(wish.owner, wish.contact, domain.About.SIGN_UP)


async def change_password(
    userid: int, current: str, new: str, client: str, services: AccountServices
) -> domain.Account:
    """Somebody takes another password; everybody who was signed in as them is out. Raises NoSuchAccount, WeakPassword,
    SignInRefused, TooManyAttempts, HashingBusy."""
    known = await services.store.read(accounts.credentials, userid)
    domain.must_be_strong(new, beside=(known.account.name or "", known.account.contact or ""))
    await must_know(known, current, client, services)
    hashed, key = await services.passwords.hash(new), f"account:{userid}"
    changed = await services.store.write(replace_password, userid, known.password_hash, hashed, key=key)
    if changed is None:
        raise domain.SignInRefused
    await services.notify(changed, domain.About.PASSWORD)
    return changed


async def ask_for_a_reset(typed: str, client: str, services: AccountServices) -> None:
    """Somebody forgot their password: the contact's account, if there is one, gets a token. Raises TooManyResets."""
    store, policy = services.store, services.policy
    contact = await store.read(contacts.as_kept, policy.contact(typed))
    await store.write(take, "reset", client, policy.resets, key="tries")
    token = secret()
    offered = await store.write(offer_reset, contact, kept(token), policy.reset_ms, key="resets")
    if offered is not None:
        userid, expires_ms = offered
        await services.sender.send_reset(userid, contact, token, expires_ms)


async def reset_password(token: str, new: str, client: str, services: AccountServices) -> None:
    """Somebody comes back with the token they were sent; it is good once. A guess at 256 bits need not be counted, and
    costs no hash. Raises WeakPassword, ResetRefused, HashingBusy."""
    domain.must_be_strong(new, beside=())
    lasts_ms = services.policy.reset_ms
    until_ms = await services.store.read(resets.good_until, kept(token))
    if until_ms is None or not is_ahead(until_ms, services.clock.now_ms(), lasts_ms):
        raise domain.ResetRefused
    hashed = await services.passwords.hash(new)
    account = await services.store.write(use_reset, kept(token), hashed, lasts_ms, client, key="resets")
    if account is None:
        raise domain.ResetRefused
    await services.notify(account, domain.About.PASSWORD)


async def begin_enrolment(
    userid: int, password: str | None, client: str, services: AccountServices
) -> tuple[domain.Account, str]:
    """Somebody takes an authenticator: its secret, which a first code must confirm. Raises NoSuchAccount,
    EnrolledAlready, ContactUnproved, and what must_be_recent does."""
    await services.store.read(accounts.load, userid)
    await must_be_recent(password, client, services)
    sealed, secret = services.authenticators.new(userid)
    await services.store.write(seal_authenticator, userid, sealed, key=f"account:{userid}")
    return await services.store.read(accounts.load, userid), secret


async def confirm_enrolment(
    userid: int, code: str, password: str | None, client: str, services: AccountServices
) -> tuple[domain.Account, list[str]]:
    """The first code is right: from now on nobody gets in without one, or one of the recovery codes that are answered
    this once. Raises NoSuchAccount, NotEnrolling, and what must_be_recent does."""
    known = await services.store.read(accounts.credentials, userid)
    await must_be_recent(password, client, services)
    if known.account.codes_wanted or known.sealed is None:
        raise domain.NotEnrolling
    async with attempt_of(known.account, client, services) as attempt:
        step = services.authenticators.step(known.sealed, code, userid, known.last_step)
        if step is None:
            raise domain.SignInRefused
        drop(attempt, services)
    codes, key = _recovery_codes(), f"account:{userid}"
    account = await services.store.write(confirm_authenticator, userid, known.sealed, step, codes, key=key)
    await services.notify(account, domain.About.FACTOR)
    return account, codes


async def renew_recovery_codes(
    userid: int, password: str | None, client: str, services: AccountServices
) -> tuple[domain.Account, list[str]]:
    """Somebody takes other recovery codes. Raises NoSuchAccount, NotEnrolling, and what must_be_recent does."""
    await services.store.read(accounts.load, userid)
    await must_be_recent(password, client, services)
    codes = _recovery_codes()
    account = await services.store.write(replace_recovery_codes, userid, codes, key=f"account:{userid}")
    await services.notify(account, domain.About.RECOVERY)
    return account, codes


async def erase(userid: int, password: str | None, client: str, services: AccountServices) -> domain.Account:
    """Somebody is forgotten, at their wish or an admin's. Raises NoSuchAccount, LastAdmin, AccountInUse, and what
    must_be_recent does."""
    await services.store.read(accounts.load, userid)
    await must_be_recent(password, client, services)
    account = await services.store.write(erase_account, userid, key=f"account:{userid}")
    await services.sender.forget(userid)
    return account


def _recovery_codes() -> list[str]:
    return [recovery_code() for _ in range(domain.RECOVERY_CODES)]
