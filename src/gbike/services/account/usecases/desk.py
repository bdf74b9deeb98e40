"""What receiving people takes, and how somebody shows that it is they."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gbike.kit.access.principal import DEMO, Principal
from gbike.kit.clock import Clock, is_ahead
from gbike.kit.contacts import REGION, known_as
from gbike.services.account.domain import (
    RECENT_S,
    About,
    Account,
    Attempt,
    Credentials,
    NoSuchAccount,
    Pace,
    Patience,
    SignInAgain,
    SignInRefused,
    Try,
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
    phone_region: str = REGION


@dataclass(frozen=True)
class Desk:
    """Everything that receiving people takes."""

    accounts: Accounts
    contacts: Contacts
    sessions: Sessions
    tries: Tries
    enrolments: Enrolments
    recovery: Recovery
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
    await must_know(known, asker.password, asker.client, desk)


async def must_know(known: Credentials, password: str, client: str, desk: Desk) -> None:
    """Raises SignInRefused for a wrong password, TooManyTries."""
    async with trying(try_of(known.account, client, desk), desk) as attempt:
        if not await desk.passwords.fits(known.password_hash, password):
            raise SignInRefused
        await desk.tries.succeed(attempt, known.account.userid)


@asynccontextmanager
async def trying(one: Try, desk: Desk) -> AsyncIterator[Attempt]:
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


def try_of(account: Account, client: str, desk: Desk) -> Try:
    """A guess of somebody who is in counts with those at the door."""
    contact = known_as(account.contact, desk.rules.phone_region).normal if account.contact else ""
    return Try(contact or f"account {account.userid}", client)


async def tell(account: Account, about: About, desk: Desk) -> None:
    """The person, where the contact is known to be theirs."""
    if account.proved:
        await desk.sender.send_notice(account.userid, about)


def _is_recent(auth_time_s: int | None, now_ms: int) -> bool:
    """Whether the password was shown a moment ago. A moment ahead is that of a clock that was set back since."""
    return auth_time_s is not None and is_ahead((auth_time_s + RECENT_S + 1) * 1000, now_ms, RECENT_S * 1000)
