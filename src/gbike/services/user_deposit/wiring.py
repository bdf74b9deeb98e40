"""How userDeposit is put together: the one place that sees all of it."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from prometheus_client import Gauge

from gbike.contracts.user_deposit import PUBLISHES
from gbike.kit.money import MAX_WON
from gbike.kit.service import POLL_S, Dependencies, Service, ServiceSpec, Worker
from gbike.kit.settings import BadSetting, load
from gbike.kit.store import Store
from gbike.services.user_deposit.clients import TestProvider
from gbike.services.user_deposit.commands import adopt_minimum, end_lapsed_blocks, tell_standings
from gbike.services.user_deposit.http import REFUSALS, operations, payments
from gbike.services.user_deposit.policies import POLICIES
from gbike.services.user_deposit.ports import Provider
from gbike.services.user_deposit.storage import COUNTED, PERSONAL_DATA, SUMS, VERSIONS, own_violations
from gbike.services.user_deposit.storage.blocks import lapsed
from gbike.services.user_deposit.storage.drift import DRIFT_BATCH, drift, in_turn, newest
from gbike.services.user_deposit.storage.payments import KEEPS
from gbike.services.user_deposit.storage.standings import told_without_block, untold

BATCH = 100
"""Riders whose standings are told in one transaction."""
REST_S = 60
"""Between two looks of a worker that has nothing more to do."""
MOST_KEPT = 10_000
"""Riders remembered as wrong. More of them make nothing worse for whoever is called."""
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
    rent_minimum_krw: Annotated[
        int, Meta(ge=0, le=MAX_WON, description="balance that a rider needs to begin a ride, won; 0: none")
    ] = 0
    deposit_expected: Annotated[
        Literal["optional", "required"],
        Meta(description="whether whoever sets a balance (PATCH, PUT) must say which one is expected"),
    ] = "optional"
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


def build(deps: Dependencies) -> Service:
    ledger = Drift(deps.store)
    won_wrong = deps.metrics.declare(Gauge, "gbike_ledger_drift_krw", "Won by which the ledger is wrong")
    wrong = won_wrong.labels("user_deposit")

    async def look() -> int:
        wrong.set(await ledger.look())
        return 0

    figures = Worker("figures", look, lambda: asyncio.sleep(POLL_S), drains=False)
    chosen = load(DepositSettings, deps.env)
    walk = TellStandings(deps.store, chosen.rent_minimum_krw)
    standings = Worker("standings", walk.step, lambda: asyncio.sleep(REST_S))

    async def keep_blocks() -> int:
        over = await deps.store.read(lapsed, deps.clock.now_ms(), BATCH)
        if over:
            await deps.store.write(end_lapsed_blocks, over)
        untold = await deps.store.read(told_without_block, BATCH)
        if untold:
            await deps.store.write(tell_standings, untold)
        return len(over) + len(untold)

    lapses = Worker("blocks", keep_blocks, lambda: asyncio.sleep(POLL_S))
    shown = operations(deps.store, deps.ids, deps.clock, must_expect=chosen.deposit_expected == "required")
    taker = provider(chosen)
    http = payments.PaymentHttp(deps.store, deps.ids, taker, deps.clock)
    paying = payments.operations(http)
    if isinstance(taker, TestProvider):
        paying.append(payments.test_payment(http, taker.sign))
    refusals = {**REFUSALS, **payments.REFUSALS}
    return Service(
        "user_deposit", [*shown, *paying], refusals, POLICIES, workers=(figures, standings, lapses), retention=KEEPS
    )


class Drift:
    """Goes round the ledger and remembers who was found wrong until he is found right."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rider: int | None = None
        self._entry: int | None = None
        self._wrong: dict[int, int] = {}

    async def look(self) -> int:
        """Look at the next bite; answers by how many won all that is known is wrong (0: right)."""
        self._entry, riders = await self._store.scan(newest, self._entry)
        turn = await self._store.scan(in_turn, self._rider)
        self._rider = turn[-1] if len(turn) == DRIFT_BATCH else None
        for rider, won in (await self._store.scan(drift, [*riders, *turn])).items():
            if not won:
                self._wrong.pop(rider, None)
            elif rider in self._wrong or len(self._wrong) < MOST_KEPT:
                self._wrong[rider] = won
        return sum(self._wrong.values())


class TellStandings:
    """At the start: adopts the minimum of the settings, and tells the standing of every rider where another one or none
    was told last; a batch at a time, and from the first rider again when it was stopped half-way. A movement that began
    before the minimum was adopted may commit behind the walk, so it ends when a second one finds nobody, too."""

    def __init__(self, store: Store, minimum_krw: int) -> None:
        self._store, self._minimum_krw = store, minimum_krw
        self._after: int | None = None
        self._found_nobody = 0

    async def step(self) -> int:
        """Tell the next ones; answers how many, 0 when all are told. Raises StoreUnavailable."""
        if self._found_nobody == 2:
            return 0
        if self._after is None:
            await self._store.write(adopt_minimum, self._minimum_krw)
            self._after = 0
        riders = await self._store.scan(untold, self._after, BATCH)
        if not riders:
            self._found_nobody += self._after == 0
            self._after = 0
            return 0
        await self._store.write(tell_standings, riders)
        self._after, self._found_nobody = riders[-1], 0
        return len(riders)


def provider(settings: DepositSettings) -> Provider | None:
    """Who takes money here; None: nobody."""
    return TestProvider(settings.secret()) if settings.payment_provider == "test" else None


SPEC = ServiceSpec(
    name="user_deposit",
    title="UserDeposit: riders' money",
    paths=("/userDeposits",),
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    counted=COUNTED,
    sums=SUMS,
    violations=own_violations,
    build=build,
    settings=DepositSettings,
)
