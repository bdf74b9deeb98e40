"""`gbike cluster up`: from an empty folder to a running cluster, until Ctrl-C, SIGTERM or `gbike cluster down`."""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import msgspec
import typer
from rich.console import Console

from gbike.cli import AdminFile, Data, account, group
from gbike.kit.clock import SystemClock
from gbike.kit.settings import environment
from gbike.run.auth_mode import not_for_production
from gbike.run.cluster import orphans, secrets
from gbike.run.cluster.plan import MOVING, RESTORING, BadCluster, Options, Plan, keep_plan, make_plan, read_plan
from gbike.run.cluster.report import Health, table
from gbike.run.cluster.screen import Screen, greeting
from gbike.run.cluster.supervisor import Supervisor
from gbike.run.control import Control, NotRunning, ask, tell
from gbike.run.defaults import about_test_payments
from gbike.run.engines import kafka
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import specs
from gbike.run.seed import SmallFleet

COMMAND = "gbike cluster"
LOOK_AT_LOGS_S = 5
CLUSTER_DATA = Path("data-cluster")
DOWN_S = 30
"""How long a cluster may take to stop; it needs about five."""
cluster_verb = group("The distributed form on this machine, for real.")


@cluster_verb.command("up")
def cluster_up(
    *,
    data: Data = CLUSTER_DATA,
    demo: Annotated[bool, typer.Option("--demo", help="open to whoever is on this machine")] = False,
    replicas: Annotated[int, typer.Option(help="processes of each service")] = 1,
    port: Annotated[int, typer.Option(help="the gateway's; services are on those before it; 0: free ones")] = 8088,
    store: Annotated[list[str] | None, typer.Option(help="rent=sqlite: this service's store is another engine")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="start with nothing")] = False,
    admin_file: AdminFile = None,
) -> None:
    """PostgreSQL, Kafka, Envoy and every service, each its own process, until Ctrl-C."""
    run_cluster(Options(data, port, replicas, store or [], demo=demo, empty=empty, admin_file=admin_file))


@cluster_verb.command("down")
def cluster_down(data: Data = CLUSTER_DATA) -> None:
    """Stop the cluster that runs on the folder; everything is kept."""
    folder = DataFolder(data)
    tell(ask(folder, "down"))
    until = time.monotonic() + DOWN_S
    while folder.holder() is not None:
        if time.monotonic() > until:
            raise NotRunning(f"the cluster on {data} did not stop within {DOWN_S} s")
        time.sleep(0.05)
    typer.echo("stopped · 멈췄어요")


@cluster_verb.command("status")
def cluster_status(
    data: Data = CLUSTER_DATA, as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False
) -> None:
    """Every program: its process, health, backlog, memory and how often it was started again."""
    done = ask(DataFolder(data), "status")
    if as_json or not done.ok:
        tell(done)
    else:
        Console().print(table(msgspec.json.decode(done.said, type=list[Health])))


def run_cluster(options: Options) -> None:
    """Run until it is stopped. Raises CannotDo."""
    asyncio.run(_hold(options))


async def _hold(options: Options) -> None:
    folder, control = DataFolder(options.data), Control(options.data)
    folder.acquire(COMMAND)
    try:
        if folder.exists:
            raise BadCluster(f"{options.data} is the folder of one process: choose another with --data")
        if (options.data / MOVING).exists():
            raise BadCluster(f"{options.data} was not filled to its end: run the same `gbike move` again")
        if (options.data / RESTORING).exists():
            raise BadCluster(f"a `gbike restore` into {options.data} did not end: run it again")
        _same_mode(options)
        await _run(options, folder, control)
    finally:
        await control.stop()
        folder.release()


def _same_mode(options: Options) -> None:
    """What was open once is never taken for secure, nor the other way round. Raises BadCluster, BadSetting."""
    if options.demo:
        not_for_production(os.environ)
    before = read_plan(options.data)
    if before is not None and before.demo is not options.demo:
        was = "`gbike cluster up --demo`" if before.demo else "a secure cluster"
        raise BadCluster(f"{options.data} is the folder of {was}: choose another with --data")


def _must_have_a_lock(plan: Plan) -> None:
    """A secure cluster is one with a real Kafka only. Raises BadCluster."""
    if not plan.demo and (missing := kafka.why_not()) is not None:
        raise BadCluster(
            f"a secure cluster needs a real Kafka, that lets nobody in without a login: {missing}. `--demo` needs none"
            " · 보안 클러스터는 로그인을 확인하는 실제 Kafka가 있어야 시작할 수 있어요. Java 17 이상과 `make kafka`가"
            " 필요해요. 시험해 보려면 `--demo`를 쓰세요"
        )


async def _run(options: Options, folder: DataFolder, control: Control) -> None:
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    console = Console(stderr=False, highlight=False)
    if found := orphans.end_left_behind(options.data):
        console.print(f"ended {found} programs that a killed `gbike cluster` had left behind")
    plan, fleet = make_plan(options), SmallFleet(options.data)
    _must_have_a_lock(plan)
    if options.empty:
        fleet.forget()
    if not plan.demo:
        secrets.make(options.data, specs(), SystemClock().now_ms())
    keep_plan(plan, options.data)
    supervisor = Supervisor(plan, options.data, lambda line: screen.tell(line), lambda *now: screen.progress(*now))
    screen = Screen(console, SystemClock(), supervisor.children)
    folder.announce(COMMAND, plan.gateway, control.path)

    async def down() -> str:
        asked_to_stop.set()
        return "stopping"

    await control.start({**supervisor.verbs(), "down": down})
    try:
        with screen:
            ready = await _unless(asked_to_stop, supervisor.start())
            if ready and options.demo and not options.empty:
                ready = await _unless(asked_to_stop, _seed(plan.gateway, fleet))
        if ready and not options.demo and options.admin_file is not None:
            await account.have_one(plan.stores["account"], environment(os.environ), options.admin_file)
        if ready:
            told = about_test_payments(environment(os.environ))
            console.print(greeting(plan, options, supervisor.kafka_is, screen.took_s, told))
        while not asked_to_stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AT_LOGS_S):
                    await asked_to_stop.wait()
            supervisor.bound_logs()
    finally:
        console.print("stopping · 멈추는 중")
        await supervisor.stop()


async def _unless(stopped: asyncio.Event, doing: Coroutine[Any, Any, None]) -> bool:
    """Do it, unless somebody asks for the stop before; answers whether it is done."""
    task, waiting = asyncio.create_task(doing), asyncio.create_task(stopped.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    await task
    return True


async def _seed(gateway: str, fleet: SmallFleet) -> None:
    """A small fleet, where there is no bike yet or one was begun."""
    async with aiohttp.ClientSession(gateway) as session:

        async def post(path: str, body: dict[str, object]) -> int:
            async with session.post(path, json=body) as answer:
                return answer.status

        async with session.get("/bikes?size=1") as answer:
            there = (await answer.json(content_type=None))["page"]["totalElements"]
        if not there:
            fleet.want()
        await fleet.finish(post)
