"""One's contact: proving it, asking for another code, and changing it."""

from gbike.kit.access.addresses import household
from gbike.kit.access.rules import PEOPLE
from gbike.kit.http.app import Operation
from gbike.kit.http.ask import Answer, Ask
from gbike.services.account.http import bodies, refusals
from gbike.services.account.http.accounts import ACCOUNTS
from gbike.services.account.saga.own_account import ask_for_a_code, change_contact, prove_own_contact
from gbike.services.account.saga.services import AccountServices

AT = "/accounts/{userid}/contact"


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


def contact_operations(http: ContactHttp) -> list[Operation]:
    """How a contact is proved and changed."""
    none = (refusals.UNKNOWN,)
    return [
        Operation(
            "POST",
            AT + "/proof",
            http.prove,
            "Prove the contact with the code that was sent to it",
            PEOPLE,
            takes=bodies.Proof,
            answers={200: bodies.AccountResource},
            refusals=(*none, refusals.PROOF, refusals.NOTHING_TO_PROVE),
            example={"code": "12345678"},
        ),
        Operation(
            "POST",
            AT + "/code",
            http.ask_for_a_code,
            "Send another code to the contact",
            PEOPLE,
            answers={202: bodies.Received},
            refusals=(*none, refusals.NOTHING_TO_PROVE, refusals.WAIT),
        ),
        Operation(
            "POST",
            AT,
            http.change,
            "Take another contact: a code must prove it",
            PEOPLE,
            takes=bodies.ContactChange,
            answers={202: bodies.Received},
            refusals=(*none, refusals.CONTACT, *refusals.OF_PASSWORD),
            example={"contact": "010-1234-5678", "password": "a bicycle at dawn"},
        ),
    ]
