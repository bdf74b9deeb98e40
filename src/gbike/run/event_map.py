"""Who asks, who says and who hears, read from the code: `gbike events`, `gbike routes`; documents are made from it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import msgspec

from gbike.kit.calls.in_process import InProcessCaller
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.http.app import NO_AUTH, Operation
from gbike.kit.service import Dependencies, Service, ServiceSpec, with_deeds
from gbike.kit.store import Store
from gbike.kit.telemetry import Metrics
from gbike.run.defaults import DEMO_DEFAULTS
from gbike.run.hearing import KINDS
from gbike.run.registry import specs

DOORS = "every door"
"""Who hears an event without keeping a place, in each process (run/hearing.py)."""


class EventHandler(msgspec.Struct, frozen=True):
    """One service that hears an event, and what it does then."""

    service: str
    policy: str
    why: str


class MappedEvent(msgspec.Struct, frozen=True):
    """One event: its shape, who says it and who hears it."""

    name: str
    kind: type
    meaning: str
    published_by: str
    handled_by: tuple[EventHandler, ...]


class Built(msgspec.Struct, frozen=True):
    """A service with everything it consists of, put together but not driven."""

    spec: ServiceSpec
    service: Service

    @property
    def public(self) -> list[Operation]:
        return [operation for operation in self.service.operations if not operation.hidden]


def inert_dependencies(store: Store | None = None, env: Mapping[str, str] | None = None) -> Dependencies:
    """Dependencies of what is not driven: there is no bus, no peer can be reached, and no store unless given."""
    nothing: Any = object()  # fails whoever asks it for something: what is built here is not driven
    return Dependencies(
        clock=SystemClock(),
        ids=SystemIds(),
        chance=lambda: 0.5,
        store=store or nothing,
        bus=nothing,
        subscribe=lambda _consumer, _types: nothing,
        caller=lambda _: InProcessCaller(lambda: None),
        env=env or {},
        metrics=Metrics(),
        guard=NO_AUTH,
    )


def build_all() -> list[Built]:
    """Every service of this installation with all that may be asked of it, over inert dependencies."""
    deps = inert_dependencies(env=DEMO_DEFAULTS)  # the test provider has an operation of its own
    return [Built(spec, with_deeds(spec.build(deps), deps.store)) for spec in specs()]


def events(built: Sequence[Built]) -> list[MappedEvent]:
    return [
        MappedEvent(kind.__name__, kind, _sentence(kind), name_of(one.spec), _handlers(kind, built))
        for one in built
        for kind in one.spec.publishes
    ]


def handled_types() -> dict[str, frozenset[str]]:
    """The names of the events that each service hears."""
    return {one.spec.name: frozenset(kind.__name__ for kind in one.service.policies) for one in build_all()}


@cache
def paths() -> dict[str, dict[str, frozenset[str]]]:
    """For each service that hears events: who says them, and which."""
    says = {one.name: frozenset(kind.__name__ for kind in one.publishes) for one in specs()}
    return {
        name: {source: told & wanted for source, told in says.items() if told & wanted}
        for name, wanted in handled_types().items()
        if wanted
    }


def name_of(spec: ServiceSpec) -> str:
    """A service's name as the original wrote it: userDeposit."""
    return display_name(spec.name)


def display_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _handlers(kind: type, built: Sequence[Built]) -> tuple[EventHandler, ...]:
    found = []
    for one in built:
        policy = one.service.policies.get(kind)
        if policy is not None:
            function = policy.func if isinstance(policy, partial) else policy  # whatever was bound to it
            found.append(EventHandler(name_of(one.spec), function.__name__, _sentence(function)))
    if kind in KINDS.values():
        found.append(EventHandler(DOORS, "refuse", "Access tokens of before are refused."))
    return tuple(found)


def _sentence(thing: Any) -> str:
    return re.sub(r"\s+", " ", (thing.__doc__ or "").strip())
