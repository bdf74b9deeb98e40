"""A process of bike is frozen in the middle of whatever it does, longer than a rent waits for it, and goes on.

Its rents are cancelled meanwhile, and the other process hears that: when the frozen one goes on, it must not take a
bike for a rent that is over. A bike that carries such a rent is lost: it can neither be rented nor returned.
"""

import asyncio
import os
import signal
import time
from argparse import Namespace
from pathlib import Path

import aiohttp

from dev.chaos.clients import Rider
from dev.chaos.cluster import FIRST_BIKE, Story
from dev.chaos.demo import Failed
from dev.chaos.running import Cluster, Load, in_background
from gbike.run.cluster.wait_idle import NotQuiet, at_rest
from gbike.run.folder.data_folder import DataFolder
from gbike.run.invariants import bikes_and_rents

FROZEN_S = 9.0
"""Longer than a rent waits (1.2 s) and its sweeper after it (3 s and 2 s), shorter than PostgreSQL lets a transaction
idle (10 s)."""
CALM_S, AFTER_S = 1.0, 1.0
BIKES = 40
"""Few enough that a bike is wanted again soon, and enough that most rents find a free one."""


async def freeze(data: Path, chosen: Namespace) -> str:
    """So many freezes while people ride, each followed by a look at every bike; answers the figures. Raises Failed."""
    async with Cluster(data, chosen.replicas) as running:
        connector = aiohttp.TCPConnector(limit=2 * chosen.clients)
        async with aiohttp.ClientSession(running.plan.gateway, connector=connector) as session:
            bikes = range(FIRST_BIKE, FIRST_BIKE + BIKES)
            load = Load(session, chosen.seed, chosen.clients, bikes, kind=Rider)
            load.free_only = False
            await load.open()
            began, lost = time.monotonic(), list[str]()
            for number in range(1, chosen.rounds + 1):
                await _frozen(running, load)
                found = await asyncio.get_running_loop().run_in_executor(None, _lost, running.data)
                for told in found:
                    print(f"freeze {number}: {told}", flush=True)
                if found:
                    await running.gbike("repair", "--yes")  # so that each freeze is judged by itself
                lost += found
            took = time.monotonic() - began
            told = f"{chosen.rounds} freezes in {took:.0f} s under {load.rides} rides, {len(lost)} bikes lost"
            if lost:
                raise Failed(told)
            return f"{told}\n{await Story(running, load).judged()}"


async def _frozen(running: Cluster, load: Load) -> None:
    """People ride; one process of bike is frozen, and thawed."""
    over = False

    async def freezing() -> None:
        nonlocal over
        try:
            await asyncio.sleep(CALM_S * (0.5 + load.chance.random()))
            pid = load.chance.choice(running.services("bike"))
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(FROZEN_S)
            finally:
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(AFTER_S)
        finally:
            over = True

    await in_background(load.run(lambda: over, 0), freezing())


def _lost(data: Path) -> list[str]:
    """Once it rests: every bike whose rent is not open, and every open rent without its bike. Raises Failed."""
    try:
        with at_rest(DataFolder(data), lambda _: None) as stores:
            return list(bikes_and_rents(stores))
    except NotQuiet as why:
        raise Failed(str(why)) from None
