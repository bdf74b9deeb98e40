"""The event storm, watched while it happens: each command is sent to the running services, and who says what is noted.

So `docs/reference/events.md` can't tell a story that the code doesn't: what stands there was said by the services.
"""

from collections.abc import Sequence

import msgspec

from gbike.kit.calls.in_process import call_asgi
from gbike.kit.clock import Moment, SystemClock
from gbike.kit.envelope import Message
from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from gbike.run.event_map import build_all


class Command(msgspec.Struct, frozen=True):
    """Something an actor asks for, and the request that shows it. Without a wish it only prepares what follows."""

    actor: str
    wish: str
    request: str
    """Method and path."""
    body: dict[str, int | str | bool | list[str]]
    aggregate: str
    requirements: tuple[int, ...] = ()
    status: int = 200
    without: str = ""
    """The service that is stopped meanwhile."""
    hours: int = 0
    """Instead of a request: so many hours pass, and the workers of the aggregate's service look."""


class Reaction(msgspec.Struct, frozen=True):
    """What one service said because it heard an event."""

    heard: str
    by: str
    published: tuple[str, ...]


class Scene(msgspec.Struct, frozen=True):
    """One command and everything that followed from it."""

    command: Command
    published: tuple[tuple[str, str], ...]
    reactions: tuple[Reaction, ...]


SCRIPT = (
    Command("Operator", "opens a deposit", "POST /userDeposits", {"userid": 1, "deposit": 100_000}, "deposit",
            status=201),
    Command("Operator", "registers a bike", "POST /bikes", {"bikeid": 1, "location": "정자역"}, "bike",
            requirements=(1,), status=201),
    Command("Operator", "", "POST /bikes", {"bikeid": 2, "location": "정자역"}, "bike", requirements=(1,), status=201),
    Command("Operator", "registers a manager", "POST /bikeManagers", {"managerid": 1, "userid": 1}, "manager",
            status=201),
    Command("Rider", "rents a bike", "POST /rents", {"userid": 1, "bikeid": 1}, "rent",
            requirements=(2, 3), status=201),
    Command("Rider", "asks for a bike while bike is down", "POST /rents", {"userid": 2, "bikeid": 2},
            "rent", requirements=(2, 3), status=503, without="bike"),
    Command("Nobody", "returns the bike for hours", "2 h later", {}, "rent", hours=2),
    Command("Rider", "returns the bike", "PATCH /rents/1", {"endlocation": "수내역"}, "rent", requirements=(5,)),
    Command("Manager", "reports a bike's state", "POST /bikeManageApps",
            {"managerid": 1, "bikeid": 1, "batterylevel": 50, "usableyn": True}, "report",
            requirements=(10,), status=201),
    Command("Rider", "complains of a bike", "POST /complaints", {"userid": 1, "bikeid": 1, "kind": "safety"},
            "complaint", status=201),
    Command("Manager", "converts points", "PUT /bikeManagers/1", {"userid": 1, "point": 0, "adjustpoint": 1000},
            "manager", requirements=(12,)),
    Command("Rider", "pays in", "POST /userDeposits/1/topUps", {"amount": 5_000}, "deposit", status=201),
    Command("Operator", "corrects a deposit", "POST /userDeposits/1/corrections",
            {"amount": -500, "reason": "paid in twice"}, "deposit", status=201),
    Command("Operator", "corrects a bill", "POST /billings/1/corrections", {"amount": 50, "reason": "the lock"}, "bill",
            status=201),
    Command("Operator", "keeps a rider from renting", "PUT /userDeposits/1/block", {"reason": "a bike in a river"},
            "deposit"),
    Command("Operator", "lets them rent again", "DELETE /userDeposits/1/block", {}, "deposit"),
    Command("Operator", "moves or marks a bike", "PATCH /bikes/1", {"location": "야탑역"}, "bike"),
    Command("Operator", "holds a bike out of service", "PUT /bikes/2/holds/staff", {"reason": "the brake"}, "bike"),
    Command("Operator", "lets go of a bike", "DELETE /bikes/2/holds/staff", {"reason": "mended"}, "bike"),
    Command("Operator", "retires a bike", "POST /bikes/2/retirement", {"reason": "sold"}, "bike"),
    Command("Operator", "takes a retired bike back", "DELETE /bikes/2/retirement", {"reason": "found"}, "bike"),
    Command("Rider", "signs up", "POST /accounts",
            {"name": "Kim", "contact": "kim@example.com", "password": "정자역 자전거 대여소"}, "account", status=202),
    Command("Operator", "says what somebody may do", "PUT /accounts/1/roles", {"roles": ["rider", "bikeManager"]},
            "account"),
    Command("Operator", "", "PATCH /userDeposits/1", {"deposit": 0}, "deposit"),
    Command("Rider", "asks to be forgotten", "POST /accounts/1/erasure", {}, "account"),
)  # fmt: skip


class _Later(SystemClock):
    """The machine's clocks, some hours later."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    def moment(self) -> Moment:
        now = super().moment()
        return now._replace(wall_ms=now.wall_ms + self.ahead_ms, boot_ms=now.boot_ms + self.ahead_ms)


class NotAsWritten(Exception):
    """A command of the script was answered otherwise than the script says."""


async def watch(script: Sequence[Command] = SCRIPT) -> list[Scene]:
    """Send the commands one after the other to services in memory and note what they say. Raises NotAsWritten."""
    clock = _Later()
    limits = {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "1", "GBIKE_RENT_MINIMUM_KRW": "1000"}
    services = Embedded(None, {**limits, "GBIKE_TARIFF_ROUNDING": "ceil"}, clock=clock)
    await services.settle()
    scenes = []
    for command in script:
        clock.ahead_ms += command.hours * 3_600_000
        for name, part in services.parts.items():
            part.answer(stopped=name == command.without)
        await (_look(services, command) if command.hours else _ask(services, command))
        published = [(name, m.type) for name, waiting in (await _outboxes(services)).items() for m in waiting]
        scenes.append(Scene(command, tuple(published), tuple(await _reactions(services))))
    await services.stop()
    return scenes


async def _ask(services: Embedded, command: Command) -> None:
    method, path = command.request.split()
    answer = await call_asgi(services.app, method, path, msgspec.json.encode(command.body), {})
    if answer.status != command.status:
        raise NotAsWritten(f"{command.request}: {answer.status} {answer.body.decode()}")


async def _look(services: Embedded, command: Command) -> None:
    for worker in services.parts[command.aggregate].running.workers:
        if worker.name == "reminder":
            await worker.step()


async def _reactions(services: Embedded) -> list[Reaction]:
    """Publish one outbox at a time and let everybody hear it, until nobody has anything left to say."""
    found: list[Reaction] = []
    hears = {one.spec.name: {kind.__name__ for kind in one.service.policies} for one in build_all()}
    while True:
        speaker = next((name for name, waiting in (await _outboxes(services)).items() if waiting), None)
        if speaker is None:
            return found
        before = await _outboxes(services)
        await services.parts[speaker].running.relay.step()
        await services.parts[speaker].store.flush()
        news = list(dict.fromkeys(message.type for message in before.pop(speaker)))
        for name, part in services.parts.items():
            consumer = part.running.consumer
            if consumer is not None and await consumer.step():
                known = len(before.get(name, ()))
                after = (await _outboxes(services))[name][known:]
                heard, *also = [kind for kind in news if kind in hears[name]]
                found.append(Reaction(heard, name, tuple(m.type for m in after)))
                found += [Reaction(kind, name, ()) for kind in also]  # heard at once: nothing is said because of these


async def _outboxes(services: Embedded) -> dict[str, list[Message]]:
    return {name: await part.store.read(_waiting) for name, part in services.parts.items()}


def _waiting(read: Reading) -> list[Message]:
    rows = read.all(
        "SELECT message_id, type, key, headers, value FROM outbox WHERE published_ms IS NULL ORDER BY id LIMIT 100"
    )
    return [Message(*row) for row in rows]
