"""What account's sagas need, how somebody shows that it is they, and how they are told what was done."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from gbike.kit.auth.issuing import Issuer
from gbike.kit.auth.passwords import Passwords
from gbike.kit.auth.principal import DEMO, acting
from gbike.kit.clock import Clock, Ids, is_ahead
from gbike.kit.contacts import REGION, Contact, known_as
from gbike.kit.store import Store
from gbike.services.account import domain
from gbike.services.account.clients.authenticator import Authenticators
from gbike.services.account.commands.sign_in_attempts import begin_attempt, fail_attempt, succeed
from gbike.services.account.domain.consents import Terms
from gbike.services.account.ports import Sender
from gbike.services.account.storage import accounts
from gbike.services.account.storage.sign_in_attempts import end_attempt


@dataclass(frozen=True)
class AccountPolicy:
    """What the settings say."""

    lockout: domain.LockoutPolicy
    sign_ups: domain.Pace
    resets: domain.Pace
    session_ms: int
    reset_ms: int
    codes_required_of_staff: bool
    terms: Terms
    phone_region: str = REGION
    public_url: str = ""

    def contact(self, typed: str) -> Contact:
        return known_as(typed, self.phone_region)


@dataclass(frozen=True)
class AccountServices:
    """What account is put together from."""

    store: Store
    ids: Ids
    passwords: Passwords
    authenticators: Authenticators
    issuer: Issuer
    sender: Sender
    clock: Clock
    policy: AccountPolicy

    async def notify(self, account: domain.Account, about: domain.About) -> None:
        """Tell the person what was done, where the contact is known to be theirs."""
        if account.proved and account.contact is not None:
            await self.sender.send_notice(account.userid, account.contact, about)


async def must_be_recent(password: str | None, client: str, services: AccountServices) -> None:
    """Whoever asks shows their own password, also where it is about somebody else's account, or showed it RECENT_S ago
    at most (None). `client`: as in a SignInAttempt. Raises SignInAgain, or what a sign-in raises: a wrong password is a
    failure like any other."""
    principal = acting.get().by
    if principal == DEMO:
        return
    if password is None:
        if not _is_recent(principal.auth_time, services.clock.now_ms()):
            raise domain.SignInAgain
        return
    try:
        known = await services.store.read(accounts.credentials, principal.userid or 0)
    except domain.NoSuchAccount:
        raise domain.SignInAgain from None  # an outside issuer's: there is no password here
    await must_know(known, password, client, services)


async def must_know(known: domain.Credentials, password: str, client: str, services: AccountServices) -> None:
    """Raises SignInRefused for a wrong password, TooManyAttempts."""
    async with attempt_of(known.account, client, services) as attempt:
        if not await services.passwords.fits(known.password_hash, password):
            raise domain.SignInRefused
        await services.store.write(succeed, attempt, known.account.userid, key="tries")


@asynccontextmanager
async def attempt_under(contact: str, client: str, services: AccountServices) -> AsyncIterator[domain.SignInAttempt]:
    """Put down before it is judged, so that many guesses at once are no more than one after the other. Only one that
    was judged wrong is a failure: not one that nobody had room to judge, that was given up, or that lacks a code."""
    store, policy = services.store, services.policy.lockout
    attempt = await store.write(begin_attempt, services.ids.new(), contact, client, policy, key="tries")
    try:
        yield attempt
    except domain.SignInRefused:
        await store.write(fail_attempt, attempt, policy, key="tries")
        raise
    except BaseException:
        drop(attempt, services)
        raise


def attempt_of(
    account: domain.Account, client: str, services: AccountServices
) -> AbstractAsyncContextManager[domain.SignInAttempt]:
    """A guess of somebody who is in counts with those at the door."""
    contact = services.policy.contact(account.contact).normal if account.contact else ""
    return attempt_under(contact or f"account {account.userid}", client, services)


def drop(attempt: domain.SignInAttempt, services: AccountServices) -> None:
    """The attempt was not judged, or tells nothing. Nobody waits for that; not kept, it stops counting by itself."""
    services.store.write_later(end_attempt, attempt)


def _is_recent(auth_time_s: int | None, now_ms: int) -> bool:
    """Whether the password was shown a moment ago. A moment ahead is that of a clock that was set back since."""
    return auth_time_s is not None and is_ahead(
        (auth_time_s + domain.RECENT_S + 1) * 1000, now_ms, domain.RECENT_S * 1000
    )
