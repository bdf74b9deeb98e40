"""One's authenticator, and the recovery codes for the day when it is lost."""

from gbike.services.account.domain import RECOVERY_CODES, About, Account, NotEnrolling, SignInRefused
from gbike.services.account.usecases.desk import Asker, Desk, must_be_recent, tell, try_of, trying


async def begin_enrolment(userid: int, only: int | None, asker: Asker, *, desk: Desk) -> str:
    """Somebody takes an authenticator: its secret, which a first code must confirm."""
    await desk.accounts.one(userid, only)
    await must_be_recent(asker, desk=desk)
    sealed, secret = desk.authenticators.new(userid)
    await desk.enrolments.begin(userid, sealed, only)
    return secret


async def confirm_enrolment(
    userid: int, code: str, only: int | None, asker: Asker, *, desk: Desk
) -> tuple[Account, list[str]]:
    """The first code is right: from now on nobody gets in without one, or one of the recovery codes that are answered
    this once."""
    known = await desk.accounts.credentials_of(userid, only)
    await must_be_recent(asker, desk=desk)
    if known.account.codes_wanted or known.sealed is None:
        raise NotEnrolling
    async with trying(try_of(known.account, asker.client, desk), desk) as attempt:
        step = desk.authenticators.step(known.sealed, code, userid, known.last_step)
        if step is None:
            raise SignInRefused
        desk.tries.drop(attempt)
    codes = _recovery_codes(desk)
    account = await desk.enrolments.confirm(userid, known.sealed, step, only, recovery=codes)
    await tell(account, About.FACTOR, desk)
    return account, codes


async def renew_recovery_codes(userid: int, only: int | None, asker: Asker, *, desk: Desk) -> tuple[Account, list[str]]:
    """Somebody takes other recovery codes. Raises NotEnrolling, and what must_be_recent does."""
    await desk.accounts.one(userid, only)
    await must_be_recent(asker, desk=desk)
    codes = _recovery_codes(desk)
    account = await desk.recovery.renew(userid, codes, only)
    await tell(account, About.RECOVERY, desk)
    return account, codes


async def remove_authenticator(userid: int, *, desk: Desk) -> Account:
    """An admin takes a lost authenticator away."""
    account = await desk.enrolments.remove(userid)
    await tell(account, About.FACTOR_GONE, desk)
    return account


def _recovery_codes(desk: Desk) -> list[str]:
    return [desk.tokens.recovery_code() for _ in range(RECOVERY_CODES)]
