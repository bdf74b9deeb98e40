"""An admin invites somebody by a contact, and whoever was sent the token comes in with it."""

from gbike.kit.clock import rfc3339
from gbike.kit.contacts import reachable
from gbike.services.account import domain
from gbike.services.account.clients.tokens import secret
from gbike.services.account.commands.invitations import good, invite, use_invitation
from gbike.services.account.domain import Invitation
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.storage.secrets import kept


async def invite_somebody(
    contact: str,
    may: tuple[domain.Roles, int | None],
    expires_ms: int | None,
    reason: str | None,
    services: AccountServices,
) -> tuple[Invitation, str]:
    """The contact gets a letter with a link, which is answered too: an operator may bring it by other ways. `may`: the
    roles, and which of the field staff. Raises BadContact, ExpiryRefused."""
    wanted, now_ms = reachable(contact, services.policy.phone_region), services.clock.now_ms()
    until_ms = now_ms + domain.INVITATION_MS if expires_ms is None else expires_ms
    if not now_ms < until_ms <= now_ms + domain.LONGEST_INVITATION_MS:
        raise domain.ExpiryRefused(rfc3339(now_ms + domain.LONGEST_INVITATION_MS))
    token = secret()
    roles, managerid = may
    wish = Invitation(
        invitationid=0,
        contact=wanted.typed,
        normal=wanted.normal,
        roles=roles,
        managerid=managerid,
        since_ms=now_ms,
        expires_ms=until_ms,
    )
    made = await services.store.write(invite, wish, kept(token), reason, key="accounts")
    link = f"{services.policy.public_url}/app/#/invited/{token}"
    await services.sender.send_invitation(made.invitationid, made.contact, link, made.expires_ms)
    return made, link


async def look_at_invitation(token: str, services: AccountServices) -> tuple[Invitation, bool]:
    """What the token is good for, and whether its contact has an account already; it stays good. Raises
    InvitationRefused."""
    found = await services.store.read(good, kept(token), services.clock.now_ms())
    if found is None:
        raise domain.InvitationRefused
    return found


async def come_in(token: str, name: str | None, password: str | None, services: AccountServices) -> bool:
    """Somebody uses the token they were sent, once; whether there is a new account. A guess at 256 bits need not be
    counted, and costs no hash. Raises InvitationRefused, NewcomerUnnamed, WeakPassword, HashingBusy."""
    invited, known = await look_at_invitation(token, services)
    hashed = None
    if not known:
        if not name or not password:
            raise domain.NewcomerUnnamed
        domain.must_be_strong(password, beside=(name, invited.contact))
        hashed = await services.passwords.hash(password)
    done = await services.store.write(use_invitation, kept(token), name or "", hashed, key="accounts")
    if done is None:
        raise domain.InvitationRefused
    account, new = done
    if not new:
        await services.notify(account, domain.About.ROLES)
    return new
