"""Planted bugs: the product with one promise taken out. A simulator that does not find them finds nothing.

A bug is planted at run time by rewriting one piece of a function's source; if the piece is not there any more, planting
fails, so the list can't go stale. Where two layers protect the same thing, taking out one is no bug that a run could
show; such layers have a direct check of their own (`layers`).
"""

import contextlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dev.simulation.layers import bill_guard, inbox, ledger_key
from dev.simulation.run import run_seed
from dev.simulation.swarm import Swarm
from gbike.app.catalogue import cards

STORM = Swarm(
    lost=0.05,
    doubled=0.3,
    slow=0.3,
    bus_down=0.2,
    held_back=0.4,
    redelivered=0.5,
    crash_every=300,
    riders=5,
    bikes=2,
    managers=2,
    actions=8,
    keyed=0.7,
)
"""Everything at once, for the bugs that need no more than that."""
RUSH = Swarm(stall_every=200, riders=12, bikes=1, managers=1, actions=6, keyed=0.0)
"""Everybody wants the one bike, and again and again its service falls behind."""
FRAIL = Swarm(disk=0.3, crash_every=80, riders=4, actions=8)
"""Commits fail, and nodes die before they can try again."""
FREEZING = Swarm(stall_every=100, slow=0.3, riders=6, bikes=3, actions=10, keyed=0.3)
"""Nodes fall asleep in the middle of what they do."""


@dataclass(frozen=True)
class Edit:
    """Replace pieces of the source of `module`'s `name` (`function` or `Class.method`)."""

    module: str
    name: str
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Mutant:
    """One planted bug, the runs in which it must show, or the direct check that must."""

    name: str
    edits: tuple[Edit, ...]
    swarm: Swarm = STORM
    seeds: int = 20
    direct: Callable[[], str | None] | None = None


def _edit(module: str, name: str, *pieces: tuple[str, str]) -> Edit:
    return Edit(f"gbike.{module}", name, pieces)


def _once_more(cause: str) -> str:
    """The source of a cause that is another one when it is met again."""
    return f"({cause}) + ':0' * tx.one('SELECT count(*) FROM entries WHERE cause = ?', ({cause},))[0]"


_REPORTS = "services.bike_manage_app.commands"
_RENTING = "services.rent.commands"
_RENT, _BIKE, _VIEW = "services.rent.storage", "services.bike.storage", "services.rent_and_billing_view.storage"
_NO_INBOX = _edit(
    "kit.sqlite.store",
    "SqliteTx.first_time",
    ("{row[0] for row in rows}", "{*rows, *(message.id for message in messages)}"),
)
_FEE_AGAIN = _edit(
    "services.user_deposit.policies",
    "whenever_a_fee_is_known_take_it",
    (
        "domain.fee(said.userid, said.billid, said.fee)",
        "domain.Posting(said.userid, -said.fee, domain.House.FEES, " + _once_more("f'bill:{said.billid}'") + ")",
    ),
)
_BILL_AGAIN = _edit("services.billing.storage", "apply_fee", ("billid = ? AND status = ?", "billid = ? AND 'x' <> ?"))
_CLOSE_ANY = _edit(_RENT, "end_open", (" AND status = 'rented'", ""))

MUTANTS = (
    Mutant(
        "the bike is looked at, and then taken",
        (
            _edit(
                "services.bike.http",
                "BikeHttp.reserve",
                (
                    "refusal = await",
                    "seen = await self._store.read(storage.load, bikeid)\n"
                    "        if seen.status is not Status.AVAILABLE:\n"
                    "            raise domain.BikeNotAvailable(bikeid, seen.status)\n"
                    "        refusal = await",
                ),
            ),
            _edit(_BIKE, "reserve", (" AND rentid IS NULL AND held = 0 AND broken = 0 AND retired = 0", "")),
        ),
        swarm=RUSH,
        seeds=40,
    ),
    Mutant("a release frees the bike of another rent", (_edit(_BIKE, "release", ("AND rentid = ?", "AND 0 < ?")),)),
    Mutant("no tombstone", (_edit(_BIKE, "bury", ("tx.execute(", "(lambda *_: None)(")),)),
    Mutant("a fee is taken each time it is heard", (_NO_INBOX, _FEE_AGAIN)),
    Mutant(
        "points are given each time a report is heard",
        (
            _NO_INBOX,
            _edit(
                "services.bike_manager.policies",
                "whenever_reported_add_points",
                (
                    'f"report:{said.reportid}"',
                    _once_more("f'report:{said.reportid}'").replace("entries", "point_entries"),
                ),
            ),
        ),
    ),
    Mutant(
        "converted points are added each time it is heard",
        (
            _NO_INBOX,
            _edit(
                "services.user_deposit.policies",
                "whenever_points_are_converted_add_them",
                ("said.adjustpoint, said.conversion)", f"said.adjustpoint, {_once_more('said.conversion')})"),
            ),
        ),
    ),
    Mutant("a bill is charged each time a return is heard", (_NO_INBOX, _BILL_AGAIN)),
    Mutant("nobody sweeps", (_edit(_RENTING, "sweep", ("late = storage.overdue(", "late = [] and storage.overdue(")),)),
    Mutant(
        "an Idempotency-Key means nothing",
        (
            _edit("kit.idempotency", "check", ("if row is None:", "if True:")),
            _edit("kit.idempotency", "hold", ("VALUES (?, ?, ?)", "VALUES (?, ?, ?) ON CONFLICT DO NOTHING")),
        ),
    ),
    Mutant(
        "a cancelled rent is not said",
        (_edit(_RENTING, "give_up_the_wish", ("if bike_may_be_reserved:", "if False:")),),
    ),
    Mutant(
        "a cancelled rent keeps its key", (_edit(_RENTING, "give_up_the_wish", ("if key is not None:", "if False:")),)
    ),
    Mutant(
        "the relay marks before it appends",
        (
            _edit(
                "kit.outbox",
                "Relay.step",
                (
                    "await self._bus.append(",
                    "numbers, now_ms = [n for n, _ in waiting], self._clock.now_ms()\n"
                    "        await self._store.write(_mark_published, numbers, now_ms, self._log, 0)\n"
                    "        await self._bus.append(",
                ),
            ),
        ),
    ),
    Mutant(
        "a consumer moves on before the effects",
        (
            _edit(
                "kit.inbox",
                "Consumer._handle",
                (
                    "self._noted(await self._store.write(self._apply, list(batch.messages), batch))",
                    "await self._store.write(self._subscription.settle, batch)\n"
                    "        self._noted(await self._store.write(self._apply, list(batch.messages), None))",
                ),
            ),
        ),
        swarm=FRAIL,
    ),
    Mutant(
        "a returned rent is returned again",
        (
            _edit(
                _RENTING,
                "return_the_bike",
                ("return rent", "return _end(tx, replace(rent, ended_ms=tx.now_ms, place=told.place))"),
            ),
            _CLOSE_ANY,
        ),
    ),
    Mutant(
        "a cancelled rent is returned",
        (
            _edit(
                _RENTING,
                "return_the_bike",
                (
                    "raise RentIsCancelled(rentid)",
                    "gone = ReturnedRent(rentid, rent.userid, rent.bikeid, tx.now_ms, tx.now_ms, told.place)\n"
                    "        return _end(tx, gone)",
                ),
            ),
            _edit(
                _RENT,
                "end_open",
                (" AND status = 'rented'", ""),
                ("ended_ms = ?,", "started_ms = coalesce(started_ms, 0), ended_ms = ?,"),  # it can be shown
            ),
        ),
        swarm=FREEZING,
    ),
    Mutant(
        "a cancelled rent is opened",
        (_edit(_RENT, "open_pending", ("AND status = 'pending'", "AND status <> 'rented'")),),
        swarm=FREEZING,
        seeds=40,
    ),
    Mutant(
        "the rider's limit is forgotten",
        (_edit(_RENTING, "must_be_allowed_to_ride", ("if limits.most_open and", "if 0 and")),),
        swarm=Swarm(riders=4, bikes=4, actions=8, most_open=1),
    ),
    Mutant(
        "the one probe is never given back",
        (_edit("kit.breaker", "Breaker.done", ("self._probing = False", "pass")),),
        swarm=Swarm(bike_hangs=True, riders=6, actions=12),
    ),
    Mutant(
        "the view believes the last that it hears of a ride",
        (_edit(_VIEW, "fold_ride", ("WHEN rentstatus = 'returned' THEN rentstatus", "WHEN 1 = 0 THEN NULL")),),
    ),
    Mutant(
        "the view believes the last that it hears of a deposit",
        (_edit(_VIEW, "fold_deposit", (" WHERE riders.version < excluded.version", "")),),
    ),
    Mutant(
        "a taken bike counts as a failure of the bike service",
        (_edit("kit.peers", "Peer.ask", ("answer.status < 500", "answer.status < 400")),),
        swarm=Swarm(riders=8, bikes=1, actions=8),
    ),
    Mutant(
        "a top-up is refused after it was done",
        (
            _edit(
                "services.user_deposit.http",
                "DepositHttp.top_up",
                ("return await", "done = await"),
                (
                    'key=f"user:{userid}")',
                    'key=f"user:{userid}")\n    if done.version > 2:\n'
                    "        raise __import__('gbike').services.user_deposit.domain.OutOfBounds(userid)\n"
                    "    return done",
                ),
            ),
        ),
        swarm=Swarm(actions=20),
    ),
    Mutant(
        "a write whose commit failed is acknowledged",
        (
            _edit(
                "kit.batching",
                "BatchWriter._run",
                ('request.failed = StoreUnavailable(f"{self._source}: {broken}")', "pass"),
            ),
        ),
        swarm=Swarm(disk=0.05, actions=10),
    ),
    Mutant(
        "a ride is priced by the tariff of its return",
        (
            _edit(
                "services.billing.policies",
                "whenever_returned_apply_the_fee",
                ('Tariff.parse(bill.tariff or "")', "storage.valid_tariff(tx, said.endtime).tariff"),
            ),
        ),
        swarm=Swarm(tariffs=True, actions=14),
    ),
    Mutant(
        "a balance that is set wipes what came in between",
        (_edit("services.user_deposit.commands", "set_a_balance", ("if expected is not None and", "if False and")),),
        swarm=Swarm(actions=20),
    ),
    Mutant(
        "a ride is as long as both clocks together",
        (_edit("services.rent.domain", "ridden", ("length_ms = by_boot if", "length_ms = by_boot + by_wall if")),),
        swarm=Swarm(steps_ms=3_000, crash_every=400),
    ),
    Mutant(
        "a report that changes nothing is paid",
        (
            _edit(
                _REPORTS,
                "_earned",
                ("return 0, None", "return points_of(earning, storage.paid(tx, report.state)), None"),
            ),
        ),
        swarm=Swarm(by_changes=True, actions=14),
    ),
    Mutant("no inbox, alone", (_NO_INBOX,), direct=inbox),
    Mutant("no ledger key, alone", (_FEE_AGAIN,), direct=ledger_key),
    Mutant("no guard on a bill's state, alone", (_BILL_AGAIN,), direct=bill_guard),
)


@contextlib.contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The product with this bug, for a while."""
    undo: list[Callable[[], None]] = []
    cards()  # loads every service, or one that is loaded meanwhile keeps the bug
    try:
        for edit in mutant.edits:
            undo += _plant(edit)
        yield
    finally:
        for step in reversed(undo):
            step()


def _plant(edit: Edit) -> list[Callable[[], None]]:
    module: Any = import_module(edit.module)
    owner_name, _, name = edit.name.rpartition(".")
    owner = getattr(module, owner_name) if owner_name else module
    original = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(original))
    for old, new in edit.pieces:
        if old not in source:
            raise LookupError(f"{edit.module}.{edit.name} has no {old!r} any more")
        source = source.replace(old, new)
    place: dict[str, Any] = {}
    exec(compile(source, f"<planted in {edit.name}>", "exec"), module.__dict__, place)
    changed = place[name]
    if owner is not module:
        setattr(owner, name, changed)
        return [lambda: setattr(owner, name, original)]
    return [undo for known in _modules() for undo in _swap(vars(known), original, changed)]


def _swap(names: dict[str, Any], original: Any, changed: Any) -> list[Callable[[], None]]:
    """Put `changed` wherever `original` stands among a module's names and in its table of policies."""
    undo: list[Callable[[], None]] = []
    for table in (names, names.get("POLICIES", {})):
        for key, value in list(table.items()):
            if value is original:
                table[key] = changed
                undo.append(lambda table=table, key=key: table.__setitem__(key, original))  # type: ignore[misc]
    return undo


def _modules() -> list[Any]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("gbike.")]


@dataclass(frozen=True)
class Catch:
    """How a planted bug was found: in which of its runs, or by its direct check."""

    by: str
    seed: int | None
    what: str


def caught(mutant: Mutant) -> Catch | None:
    """The first catch of a planted bug; None when it got away."""
    with planted(mutant):
        if mutant.direct is not None:
            found = mutant.direct()
            return Catch("direct check", None, found) if found else None
        for seed in range(mutant.seeds):
            verdict = run_seed(seed, mutant.swarm)
            if verdict.violation and not verdict.violation.startswith("the run broke"):
                return Catch(f"seed {seed}", seed, verdict.violation)
    return None


def hunt(only: str | None = None) -> int:
    """Plant each bug and say how it was caught; 1 when one got away."""
    chosen = [mutant for mutant in MUTANTS if only is None or only in mutant.name]
    away = 0
    for mutant in chosen:
        catch = caught(mutant)
        away += catch is None
        allowed = "its direct check" if mutant.direct else f"{mutant.seeds} seeds"
        told = f"caught by {catch.by} (allowed: {allowed}): {catch.what[:110]}" if catch else f"NOT CAUGHT by {allowed}"
        print(f"{mutant.name}: {told}")
    print(f"{len(chosen)} planted bugs, {len(chosen) - away} caught")
    return 1 if away else 0
