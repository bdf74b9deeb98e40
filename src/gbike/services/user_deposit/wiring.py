"""How userDeposit is put together: the one place that sees all of it."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gbike.contracts.user_deposit import SAYS
from gbike.kit.runtime import LOOK_S, Card, Service, Worker, World
from gbike.kit.settings import BadSetting, load
from gbike.services.user_deposit.clients import TestProvider
from gbike.services.user_deposit.http import REFUSALS, operations, payments
from gbike.services.user_deposit.policies import POLICIES
from gbike.services.user_deposit.ports import Provider
from gbike.services.user_deposit.storage import HOLDS, VERSIONS, SqlDeposits
from gbike.services.user_deposit.storage.drift import Drift
from gbike.services.user_deposit.storage.payments import KEEPS, SqlPayments

SHORTEST = 16
"""Bytes of a secret."""


class DepositSettings(msgspec.Struct, frozen=True):
    """What may be set of userDeposit. Raises BadSetting where it does not fit together."""

    payment_provider: Annotated[
        Literal["", "test"],
        Meta(description="who takes riders' money; test: nobody, a tap is enough, never with GBIKE_ENV=production"),
    ] = ""
    payment_secret_file: Annotated[
        str, Meta(description="file with the secret that the provider signs with; the test provider makes its own")
    ] = ""
    env: Annotated[str, Meta(description="production: nothing that is open to everybody starts here")] = ""

    def __post_init__(self) -> None:
        """Told at the start, and not when somebody pays."""
        if self.payment_provider == "test" and self.env == "production":
            raise BadSetting("GBIKE_PAYMENT_PROVIDER=test and GBIKE_ENV=production: everybody would pay with nothing")
        if self.payment_secret_file:
            self.secret()

    def secret(self) -> bytes:
        """What the provider signs with. Raises BadSetting."""
        if not self.payment_secret_file:
            return secrets.token_bytes(32)  # nobody else knows it, so nobody else can confirm anything
        try:
            found = Path(self.payment_secret_file).read_bytes().strip()
        except OSError as away:
            raise BadSetting(f"GBIKE_PAYMENT_SECRET_FILE={self.payment_secret_file!r}: {away.strerror}") from None
        if len(found) < SHORTEST:
            raise BadSetting(f"GBIKE_PAYMENT_SECRET_FILE: at least {SHORTEST} bytes, which nobody can guess")
        return found


def build(world: World) -> Service:
    """UserDeposit in a world."""
    drift, wrong = Drift(world.store), world.metrics.ledger_drift.labels("user_deposit")

    async def look() -> int:
        wrong.set(await drift.look())
        return 0

    figures = Worker("figures", look, lambda: asyncio.sleep(LOOK_S), moves=False)
    shown = operations(SqlDeposits(world.store, world.ids))
    taker = provider(load(DepositSettings, world.env))
    paying = payments.operations(SqlPayments(world.store, world.ids), taker, world.clock)
    refusals = {**REFUSALS, **payments.REFUSALS}
    return Service("user_deposit", [*shown, *paying], refusals, POLICIES, workers=(figures,), keeps=KEEPS)


def provider(settings: DepositSettings) -> Provider | None:
    """Who takes money here; None: nobody."""
    return TestProvider(settings.secret()) if settings.payment_provider == "test" else None


CARD = Card(
    name="user_deposit",
    title="UserDeposit: riders' money",
    port=8084,
    paths=("/userDeposits",),
    says=SAYS,
    versions=VERSIONS,
    holds=HOLDS,
    build=build,
    settings=DepositSettings,
)
