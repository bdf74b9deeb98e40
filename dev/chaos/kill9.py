"""kill -9 at random moments under load: nothing acknowledged is lost, nothing happens twice, no bike is orphaned."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import aiohttp

from dev.chaos import judge
from dev.chaos.clients import BIKES, REPORTED, SETTLE_S, Client
from dev.chaos.deeds import Deed, NoAnswer, Outcome
from dev.chaos.demo import SETTINGS, Demo, Failed
from gbike.cli import verify
from gbike.run.folder.data_folder import DataFolder

CLIENTS = 24
SLOW = ("--slow", "bike=20-300")
"""At times bike is slow, so that the next kill finds many rents half-way."""


async def kill9(data: Path, rounds: int, seed: int) -> str:
    """Until it was killed `rounds` times: load, kill -9, restart, repeat what got no answer, settle, judge, verify.

    Answers its figures. Raises Failed with what was wrong.
    """
    chance = random.Random(seed)
    amounts, riders = count(1), count(1)
    clients = [Client(number, chance, amounts, riders) for number in range(1, CLIENTS + 1)]
    async with Demo(data) as demo, aiohttp.ClientSession(demo.url, connector=_connector()) as session:
        await demo.start()
        await _open(session, clients)
        kills, slowest_s = 0, 0.0
        while kills < rounds:
            kills += await _load_and_kill(demo, session, clients, chance)
            slowest_s = max(slowest_s, await demo.start(*(SLOW if chance.random() < 0.4 else ())))
            await _judged(session, clients)
            await _verified(data)
        await demo.stop()
        printed = await demo.gbike("verify")
    return f"{figures(clients)}\n{kills} kills, slowest restart {slowest_s:.1f} s, {printed.strip()}"


def _connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=CLIENTS * 2)


async def _open(session: aiohttp.ClientSession, clients: list[Client]) -> None:
    for deed in needed((*range(1, BIKES + 1), *REPORTED), clients):
        await begin(session, deed)


def needed(bikes: Iterable[int], clients: list[Client]) -> list[Deed]:
    """What must be there before the clients begin."""
    registered = [Deed("opening", "POST", "/bikes", {"bikeid": n, "status": "사용가능"}) for n in bikes]
    return [*registered, *(deed for client in clients for deed in client.opening())]


async def begin(session: aiohttp.ClientSession, deed: Deed) -> None:
    """Do what must succeed. Raises Failed."""
    await deed.do(session)
    if deed.outcome is not Outcome.OK:
        raise Failed(f"{deed}: {deed.answer}")


async def _load_and_kill(
    demo: Demo, session: aiohttp.ClientSession, clients: list[Client], chance: random.Random
) -> int:
    """Every client works until the process is killed at a random moment; at times it dies again while it recovers.

    One time in ten it is asked to stop instead: that too must keep everything, and take less than 5 s.
    """
    working = [asyncio.create_task(client.work(session)) for client in clients]
    await asyncio.sleep(chance.uniform(0.1, 0.7))
    if asked := chance.random() < 0.1:
        await demo.stop()
    else:
        await demo.kill()
    await asyncio.gather(*working)
    if asked:
        return 0
    if chance.random() < 0.8:
        return 1
    await demo.launch()
    await asyncio.sleep(chance.uniform(0, 1))
    await demo.kill()
    return 2


async def _judged(session: aiohttp.ClientSession, clients: list[Client]) -> None:
    """Raises Failed unless everything acknowledged is there at once, and everything agrees soon."""
    nothing("right after the restart", judge.effects(await judge.look(session, clients), clients))
    try:
        await asyncio.gather(*[client.ask_again(session) for client in clients])
    except NoAnswer:
        raise Failed("it stopped answering after the restart") from None
    until = asyncio.get_running_loop().time() + SETTLE_S
    while found := list(judge.settled(state := await judge.look(session, clients))):
        if asyncio.get_running_loop().time() > until:
            nothing(f"{SETTLE_S} s after the restart", found)
        await asyncio.sleep(0.1)
    nothing("once settled", judge.effects(state, clients))
    nothing("never known", (str(d) for c in clients for d in c.deeds if d.repeatable and d.outcome is Outcome.UNKNOWN))
    adopt(state, clients)


async def _verified(data: Path) -> None:
    """What `gbike verify` does, without waiting for another process. Raises Failed."""
    found: list[str] = []
    if await verify.verify(DataFolder(data), SETTINGS, found.append):
        nothing("found by gbike verify", found)


def adopt(state: judge.State, clients: list[Client]) -> None:
    """A rent whose answer was lost belongs to whoever asked for it."""
    asked = {d.facts["userid"]: (c, d) for c in clients for d in c.deeds if d.kind == "rent"}
    for rent in state.rents:
        client, deed = asked[rent["userid"]]
        if rent["status"] == "rented" and deed.outcome is Outcome.UNKNOWN and "adopted" not in deed.facts:
            deed.facts["adopted"] = True
            client.adopt(rent["rentid"])


def nothing(when: str, found: Iterable[str]) -> None:
    """Raises Failed when something was found."""
    if wrong := list(found):
        raise Failed("\n".join([f"{len(wrong)} violations {when}:", *wrong[:20]]))


def figures(clients: list[Client]) -> str:
    """What was done, and how it went."""
    kinds = Counter((deed.kind, deed.outcome.value) for client in clients for deed in client.deeds)
    again = sum(deed.tries > 1 for client in clients for deed in client.deeds)
    lines = [
        f"{kind:<11}" + ", ".join(f"{kinds[kind, o.value]} {o.value}" for o in Outcome)
        for kind in sorted({k for k, _ in kinds})
    ]
    return "\n".join([*lines, f"{again} sent again after a restart"])
