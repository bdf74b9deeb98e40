"""One's contact: proving it with the code that was sent there, and taking another one."""

from gbike.kit.contacts import reachable
from gbike.services.account.domain import CODE_DIGITS, CODE_MS, About, Account, CodeWish, ProofRefused
from gbike.services.account.usecases.desk import Asker, Desk, must_be_recent, tell


async def prove_contact(userid: int, code: str, only: int | None, *, desk: Desk) -> Account:
    """The code came: from now on the contact is theirs. Raises NothingToProve, ProofRefused."""
    before = await desk.accounts.one(userid, only)
    account = await desk.contacts.prove(userid, code, only)
    if account is None:
        raise ProofRefused
    if before.proved:
        await tell(account, About.CONTACT, desk)
    return account


async def ask_for_a_code(userid: int, only: int | None, *, desk: Desk) -> None:
    """Somebody wants another code for the contact that they have yet to prove. Raises NothingToProve, TooManyTries."""
    code = desk.tokens.digits(CODE_DIGITS)
    await send(await desk.contacts.renew(userid, code, only), code, desk)


async def change_contact(userid: int, contact: str, only: int | None, asker: Asker, *, desk: Desk) -> None:
    """Somebody takes another contact: it counts once a code proves it, and the contact so far hears of it before.
    Raises BadContact, TooManyTries, and what must_be_recent does."""
    wanted, before = reachable(contact, desk.rules.phone_region), await desk.accounts.one(userid, only)
    await must_be_recent(asker, desk=desk)
    code = desk.tokens.digits(CODE_DIGITS)
    wish = await desk.contacts.take(userid, wanted, code)
    await tell(before, About.CONTACT_ASKED, desk)
    await send(wish, code, desk)


async def send(wish: CodeWish, code: str, desk: Desk) -> None:
    """The code to the contact, or word to the one who has proved it that somebody else gave it as theirs."""
    if wish.userid is not None:
        await desk.sender.send_code(wish.userid, code, desk.clock.now_ms() + CODE_MS)
    elif wish.owner is not None:
        await desk.sender.send_notice(wish.owner, About.SIGN_UP)
