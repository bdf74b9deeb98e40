"""People whose every trace can be found: names, contacts and places that occur nowhere else."""

import struct
from pathlib import Path
from typing import Any

from gbike.kit.auth.passwords import Passwords
from gbike.kit.contacts import Contact
from gbike.kit.settings import load
from gbike.run.embedded import Embedded
from gbike.services.account.commands.accounts import add_account
from gbike.services.account.domain import Role
from gbike.services.account.wiring import AccountSettings
from tests.support import EVERY_RIDE_COSTS, Client

QUICK = {"GBIKE_PASSWORD_MEMORY_KIB": "8192", "GBIKE_PASSWORD_PASSES": "1"}


class Person:
    """One of them, with a number of their own for each ride."""

    def __init__(self, word: str, userid: int, spot: int) -> None:
        self.word = word
        self.userid = userid
        self.spot = spot
        self.name, self.contact = f"Name-{word}-of-a-person", f"{word}@contact.example"

    def place(self, ride: int) -> dict[str, Any]:
        """Where a ride ends."""
        return {"endlocation": f"Corner-{self.word}-{ride}", "lat": self._lat(ride), "lon": 127.0}

    def _lat(self, ride: int) -> float:
        return 37.0 + self.spot / 1_000 + ride / 1_000_000 + 0.000_000_123

    def traces(self, rides: int) -> list[bytes]:
        """Bytes that tell of the person: words, and numbers as text and as a database keeps them."""
        words = [self.word.encode(), self.word.encode("utf-16-le")]
        for ride in range(rides):
            words += [
                repr(self._lat(ride)).encode(),
                struct.pack(">d", self._lat(ride)),
                struct.pack("<d", self._lat(ride)),
            ]
        return words


async def sign_up(embedded: Embedded, word: str, spot: int) -> Person:
    """A new person with an account."""
    store = embedded.part("account").store
    person = Person(word, 0, spot)
    hashed = await Passwords(load(AccountSettings, QUICK)).hash("a bicycle at dawn")
    contact = Contact(person.contact, person.contact)
    made = await store.write(add_account, person.name, contact, hashed, (Role.RIDER,))
    assert made is not None
    person.userid = made.userid
    return person


async def ride(client: Client, person: Person, bikeid: int, number: int) -> int:
    """One ride, with an Idempotency-Key for its return; the rent's number."""
    rent = (await client.post("/rents", {"userid": person.userid, "bikeid": bikeid})).json["rentid"]
    key = f"{rent}-{number}"
    back = await client.patch(f"/rents/{rent}", person.place(number), idempotency_key=key)
    assert back.status == 200
    return int(rent)


def found_in(folder: Path, traces: list[bytes]) -> list[str]:
    """Which files hold which traces."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return [f"{file.name}: {trace!r}" for file in files for trace in traces if trace in file.read_bytes()]


SETTINGS = {**EVERY_RIDE_COSTS, **QUICK}
