"""Who signs up, who gets in and who stays in."""

from collections.abc import Sequence
from contextlib import suppress

from gbike.kit.auth.passwords import HashingBusy
from gbike.kit.contacts import reachable
from gbike.services.account import domain
from gbike.services.account.clients.authenticator import Authenticators
from gbike.services.account.clients.tokens import digits, secret, successor
from gbike.services.account.commands.contacts import Newcomer, register
from gbike.services.account.commands.sessions import renew_session, start_session
from gbike.services.account.commands.sign_in_attempts import give_back, take
from gbike.services.account.domain.consents import ConsentKind
from gbike.services.account.saga.own_account import send_code
from gbike.services.account.saga.services import AccountServices, attempt_under
from gbike.services.account.storage import contacts
from gbike.services.account.storage.accounts import rehash
from gbike.services.account.storage.secrets import kept


async def sign_up(
    who: tuple[str, str, Sequence[ConsentKind]], password: str, client: str, services: AccountServices
) -> None:
    """Somebody becomes a rider, whose contact a code must prove. Nobody is told whether it had an account before, but
    the one who has proved it. `who`: name, contact, and what they agree to. `client`: as in a SignInAttempt. Raises
    BadContact, WeakPassword, TooManySignUps, HashingBusy."""
    name, contact, agreed = who
    wanted, pace = reachable(contact, services.policy.phone_region), services.policy.sign_ups
    domain.must_be_strong(password, beside=(name, wanted.typed))
    await services.store.write(take, "sign-up", client, pace, key="tries")
    code = digits(domain.CODE_DIGITS)
    try:
        hashed = await services.passwords.hash(password)
        newcomer = Newcomer(name, wanted, hashed, agreed, services.policy.terms.version)
        wish = await services.store.write(register, newcomer, code, key="accounts")
    except BaseException:
        # if it can't be kept, it is given back later with everything else
        services.store.write_later(give_back, "sign-up", client, pace)
        raise
    await send_code(wish, code, services)


async def sign_in(
    typed: str, password: str, code: str | None, at: tuple[str, domain.Device], services: AccountServices
) -> domain.Access:
    """Somebody gets in with contact, password and, where they have one, their authenticator's code. `at`: the client,
    as in a SignInAttempt, and the device. Raises SignInRefused, CodeNeeded, TooManyAttempts, TooManyAtOnce,
    HashingBusy.
    """
    store, contact = services.store, services.policy.contact(typed)
    client, device = at
    async with attempt_under(contact.normal, client, services) as attempt:
        found = await store.read(contacts.candidates, contact)
        hashes = [each.password_hash for each in found]
        which = await services.passwords.which(hashes, password, domain.MOST_UNPROVED)
        if which is None:
            raise domain.SignInRefused
        known = found[which]
        userid = known.account.userid
        step = _right_code(known, code, services.authenticators)
        token = secret()
        session = domain.NewSession(services.ids.new(), kept(token), services.policy.session_ms, device)
        if not await store.write(start_session, known, step, session, attempt, key=f"account:{userid}"):
            raise domain.SignInRefused
    if isinstance(step, str):
        await services.notify(known.account, domain.About.RECOVERED)
    if services.passwords.is_old(known.password_hash):
        with suppress(HashingBusy):  # they are in; the next time will do
            hashed = await services.passwords.hash(password)
            await store.write(rehash, userid, known.password_hash, hashed, key=f"account:{userid}")
    return _access(known.account, token, (session.id, services.clock.now_ms() // 1000), services)


async def refresh(refresh_token: str, services: AccountServices) -> domain.Access:
    """Somebody stays in. A token is good once: the one who shows it a second time may be a thief, so both are out; but
    while nobody has used the next one, it is answered again for a moment, as the answer may have been lost. Raises
    SessionOver."""
    salt, lasts_ms = secret(), services.policy.session_ms
    following = kept(successor(refresh_token, salt))
    token = kept(refresh_token)
    renewal = await services.store.write(renew_session, token, salt, following, lasts_ms, key="renewals")
    if renewal is None:
        raise domain.SessionOver
    session = (renewal.session, renewal.auth_time_s)
    return _access(renewal.account, successor(refresh_token, renewal.salt), session, services)


def _right_code(known: domain.Credentials, code: str | None, authenticators: Authenticators) -> int | str | None:
    """The step of the authenticator's code; or what may be a recovery code, which is used up with the sign-in."""
    if not known.account.codes_wanted or known.sealed is None:
        return None
    if code is None:
        raise domain.CodeNeeded
    if not code.isdigit():
        return domain.plain_code(code)
    step = authenticators.step(known.sealed, code, known.account.userid, known.last_step)
    if step is None:
        raise domain.SignInRefused
    return step


def _access(
    account: domain.Account, refresh_token: str, session: tuple[str, int | None], services: AccountServices
) -> domain.Access:
    """`session`: its name, and when the password was shown in it, s."""
    roles = domain.roles_in_session(account, codes_required_of_staff=services.policy.codes_required_of_staff)
    managerid = account.managerid if domain.Role.BIKE_MANAGER in roles else None
    token = services.issuer.access(account.userid, roles, managerid, session, tokenversion=account.tokenversion)
    return domain.Access(account, roles, token.text, token.lasts_s, refresh_token)
