"""Riders are told of what they may have forgotten."""

from gbike.services.account import domain
from gbike.services.account.saga.services import AccountServices
from gbike.services.account.storage import accounts
from gbike.services.account.storage.unsettled import reminders_wait, take_reminders

AT_ONCE = 100


async def remind(services: AccountServices) -> int:
    """Tell riders whose rides are overdue, where their contact is known to be theirs; answers of how many rides. Each
    is taken before it is told, so that several processes, or one that dies meanwhile, tell nobody twice.
    Raises StoreUnavailable."""
    store = services.store
    if not await store.read(reminders_wait):
        return 0
    riders = await store.write(take_reminders, AT_ONCE)
    for userid in riders:
        account = await store.read(accounts.find, userid)
        if account is not None:
            await services.notify(account, domain.About.OVERDUE)
    return len(riders)
