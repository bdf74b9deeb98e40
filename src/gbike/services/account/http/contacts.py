"""One's contact: proving it, asking for another code, and changing it."""

from gbike.kit.access.addresses import household
from gbike.kit.http.ask import Answer, Ask
from gbike.services.account.http import bodies
from gbike.services.account.http.accounts import ACCOUNTS
from gbike.services.account.saga.own_account import ask_for_a_code, change_contact, prove_own_contact
from gbike.services.account.saga.services import AccountServices


class ContactHttp:
    """The handlers."""

    def __init__(self, services: AccountServices) -> None:
        self._services = services

    async def prove(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/contact/proof."""
        userid, given = ask.id("userid"), await ask.body(bodies.Proof)
        account = await prove_own_contact(userid, given.code, self._services)
        return ask.found(ACCOUNTS, bodies.shown(account))

    async def ask_for_a_code(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/contact/code."""
        await ask_for_a_code(ask.id("userid"), self._services)
        return Answer(202, bodies.Received("received"))

    async def change(self, ask: Ask) -> Answer:
        """POST /accounts/{userid}/contact."""
        userid, given = ask.id("userid"), await ask.body(bodies.ContactChange)
        await change_contact(userid, given.contact, given.password, household(ask.origin), self._services)
        return Answer(202, bodies.Received("received"))
