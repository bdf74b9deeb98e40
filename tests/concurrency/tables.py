"""All tables, the pairs of each, and those that `make test` takes."""

import os
from collections.abc import Iterator
from importlib import import_module
from itertools import combinations_with_replacement
from pathlib import Path

from tests.concurrency.house import Case, House
from tests.concurrency.houses import user_deposit
from tests.concurrency.stepping import Write

FULL = bool(os.environ.get("GBIKE_FULL"))
HOUSES: dict[str, House] = {
    file.stem: import_module(f"tests.concurrency.houses.{file.stem}").HOUSE
    for file in sorted((Path(__file__).parent / "houses").glob("[a-z]*.py"))
}
NOT_HERE = {
    "gbike.kit.messaging.inbox: self._subscription.save_position": "nothing on Kafka; the log's place is SQLite's",
    "gbike.kit.messaging.republish._forget_places": "a restore, before anybody runs on the databases",
    "gbike.kit.messaging.republish._heard_now": "the same",
    "gbike.kit.storage.batching.probe": "adds to a total that nobody reads, and changes nothing else",
    "gbike.services.rent_and_billing_view.commands.rebuild_in_place": "a folder that nobody else has: SQLite",
    "gbike.services.rent_and_billing_view.commands.fold_facts": "into a new file: SQLite",
}
"""Commands that never meet another on PostgreSQL, and why."""
DANGEROUS = {
    "account": ("take away", "take away"),
    "bike": ("reserve", "cancelled"),
    "bike_manage_app": ("begin under a number", "begin under a number"),
    "bike_manager": ("convert", "name the rider"),
    "billing": ("returned", "returned later"),
    "rent": ("open", "open a late one"),
    "rent_and_billing_view": ("fee of a new ride", "bill"),
    "user_deposit": ("set the balance", "top up"),
}
"""The pair of each service that `make test` takes; `make ci` takes them all."""


def pairs(house: House) -> Iterator[tuple[Case, Case]]:
    """Every command with every one, itself included."""
    return combinations_with_replacement(house.cases, 2)


def batches() -> tuple[House, list[Write], list[Write]]:
    """Two batches of two commands: each writer sorts its own by key, so that they don't cross."""
    house = HOUSES["user_deposit"]
    top_up, payment = house.case("top up"), house.case("begin a payment")
    return house, [top_up.write, payment.write], [payment.again, top_up.again]


def crossing_batches() -> tuple[House, list[Write], list[Write]]:
    """Two batches of consumers, which have no keys: each holds what the other wants."""
    house, case = HOUSES["user_deposit"], user_deposit.HEARS.case
    fee = user_deposit.fee
    here = [case("", fee(user_deposit.USER, 11)).write, case("", fee(user_deposit.USER + 2, 12)).write]
    there = [case("", fee(user_deposit.USER + 2, 13)).write, case("", fee(user_deposit.USER, 14)).write]
    return house, here, there
