"""The command line; a verb imports what it needs when it runs, so that each starts at once. Exit codes: 0 done, 1 it
ran and found something wrong, 2 wrong usage or settings."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="gbike: a shared-bike platform. Start with `gbike demo`.", no_args_is_help=True, add_completion=False
)
view_app = typer.Typer(help="The view of rides and bills.", no_args_is_help=True)
fault_app = typer.Typer(help="Faults for trying out, on a running demo.", no_args_is_help=True)
events_app = typer.Typer(help="The events: their map, and what was set aside.")
app.add_typer(view_app, name="view")
app.add_typer(events_app, name="events")
app.add_typer(fault_app, name="demo-fault")

Data = Annotated[Path, typer.Option("--data", envvar="GBIKE_DATA", help="the data folder")]
OneService = Annotated[str, typer.Argument(envvar="GBIKE_SERVICE", help="an image of one service names it")]
Adopt = Annotated[bool, typer.Option("--adopt", help="take a folder as it is, after a look: what is missing is empty")]
DATA = Path("data")
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
MOUNTED = (
    (app, "account", "Accounts, for the operator."),
    (app, "audit", "Who did what with money, bikes, staff and accounts."),
    (app, "cluster", "The distributed form on this machine, for real."),
    (app, "doctor", "Secrets, ports, schemas, clocks, disk and engines: what is wrong, and how to mend it."),
    (app, "move", "From one machine to a cluster: a stopped folder into PostgreSQL."),
    (app, "privacy", "What is held of one person."),
    (app, "repair", "What `gbike verify` finds and can be mended with certainty, and its mending."),
    (events_app, "dead", "Messages that a consumer set aside, with their reasons."),
)
"""Verbs with a module of their own, `gbike.app.verbs.NAME`, which is imported when one of them runs."""


def main() -> None:
    """The entry of `gbike` and `python -m gbike`."""
    os.umask(0o077)  # whatever it was: what any verb and the programs it starts write is for their user only
    app()


@contextmanager
def named_errors() -> Iterator[None]:
    """What a person can mend is one line and exit code 2."""
    from gbike.app.catalogue import NoSuchService
    from gbike.app.control import NotRunning
    from gbike.app.copies import NoData
    from gbike.app.data_folder import FolderInUse
    from gbike.app.faults import BadFault
    from gbike.kit.settings import BadSetting

    with named_files():
        try:
            yield
        except (NoSuchService, NotRunning, NoData, FolderInUse, BadFault, BadSetting) as wrong:
            typer.echo(f"gbike: {wrong}", err=True)
            raise typer.Exit(2) from None


@contextmanager
def named_files() -> Iterator[None]:
    """A file that can't be read or written is one line and exit code 2, too."""
    try:
        yield
    except Exception as wrong:
        from gbike.app.trouble import told

        if (line := told(wrong)) is None:
            raise
        typer.echo(f"gbike: {line}", err=True)
        raise typer.Exit(2) from None


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8088,
    data: Data = DATA,
    empty: Annotated[bool, typer.Option("--empty", help="start with nothing")] = False,
    slow: Annotated[
        list[str] | None, typer.Option(help="bike=2000: answers so many ms late; 400-620 in between")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="billing,view: these do not run")] = None,
    host: Annotated[str, typer.Option(help="loopback only")] = "127.0.0.1",
    adopt: Adopt = False,
) -> None:
    """Everything in one process on loopback, with no login and a small fleet."""
    from gbike.app.demo import CannotStart, DemoOptions, run_demo
    from gbike.app.seed import NotMade
    from gbike.kit.http.server import CannotListen

    stopped = [name for names in without or [] for name in names.split(",")]
    with named_errors():
        try:
            run_demo(DemoOptions(host, port, data, empty, slow or [], stopped, adopt))
        except (CannotStart, CannotListen, NotMade) as wrong:
            typer.echo(f"gbike: {wrong}", err=True)
            raise typer.Exit(2) from None


@app.command()
def up(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8088,
    data: Data = DATA,
    admin_file: Annotated[
        Path | None, typer.Option(envvar="GBIKE_ADMIN_FILE", help="the first admin: name and password, a line each")
    ] = None,
    adopt: Adopt = False,
) -> None:
    """Everything in one process, secure: tokens required. Asks for the first admin."""
    from gbike.app.admins import NotDone
    from gbike.app.up import UpOptions, run_up
    from gbike.kit.access.keyring import BadKeys
    from gbike.kit.http.server import CannotListen

    with named_errors():
        try:
            run_up(UpOptions(host, port, data, admin_file, adopt))
        except (NotDone, BadKeys, CannotListen) as wrong:
            typer.echo(f"gbike: {wrong}", err=True)
            raise typer.Exit(2) from None


@app.command()
def serve(
    service: OneService,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="default: the service's own; 0: a free one")
    ] = None,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
) -> None:
    """One service of the distributed form, as a process of its own."""
    from gbike.app.serve import told_to_serve

    raise typer.Exit(told_to_serve(service, host, port, os.environ))


@app.command()
def verify(data: Data = DATA) -> None:
    """Check every invariant over all stores, running or stopped."""
    from gbike.app import checking
    from gbike.app.data_folder import DataFolder

    with named_errors():
        found = asyncio.run(checking.verify(DataFolder(data), settings_given(), typer.echo))
    typer.echo(f"{found} violations")
    raise typer.Exit(1 if found else 0)


@app.command()
def trace(name: Annotated[str, typer.Argument(metavar="ID")], data: Data = DATA) -> None:
    """Follow a rent (7), a request, a trace or a message: who said what, when, because of what."""
    from gbike.app.data_folder import DataFolder
    from gbike.app.event_map import heard
    from gbike.app.readings import open_readings
    from gbike.app.trace import find
    from gbike.app.trace_page import nothing, page

    with named_errors(), open_readings(DataFolder(data)) as stores:
        path = find(stores, heard(), name)
    for line in page(path) if path.said else [nothing(path)]:
        typer.echo(line, err=not path.said)
    raise typer.Exit(0 if path.said else 1)


@app.command()
def backup(target: Path, data: Data = DATA) -> None:
    """Copy all stores of one moment into an empty folder, also while gbike runs; of a cluster too."""
    from gbike.app import cluster_copies
    from gbike.app.cluster.plan import read_plan
    from gbike.app.copies import copy
    from gbike.app.data_folder import DataFolder

    with named_errors():
        if read_plan(data) is not None:
            typer.echo(cluster_copies.copy(DataFolder(data), target.resolve(), typer.echo))
        else:
            _tell(copy(DataFolder(data), target.resolve()))


@app.command()
def restore(source: Path, data: Data = DATA, adopt: Adopt = False) -> None:
    """Put a backup back into an empty data folder; of a cluster for `gbike cluster up`."""
    from gbike.app import cluster_copies, copies
    from gbike.app.data_folder import DataFolder

    with named_errors():
        if cluster_copies.is_copy(source):
            typer.echo(cluster_copies.restore(source, DataFolder(data), typer.echo))
        else:
            copies.restore(source, DataFolder(data), typer.echo, adopt=adopt)
    typer.echo(f"restored into {data}")


@view_app.command()
def rebuild(
    data: Data = DATA, verify: Annotated[bool, typer.Option("--verify", help="only compare, change nothing")] = False
) -> None:
    """Fold the view anew from the facts it keeps of what it heard."""
    from gbike.app import checking
    from gbike.app.data_folder import DataFolder

    with named_errors():
        if verify:
            found = asyncio.run(checking.verify_view(DataFolder(data), typer.echo))
            typer.echo(f"{found} differences between the view and its facts")
            raise typer.Exit(1 if found else 0)
        typer.echo(f"folded anew from {asyncio.run(checking.rebuild_view(DataFolder(data), settings_given()))} facts")


@fault_app.command("slow")
def fault_slow(service: str, delay_ms: str, data: Data = DATA) -> None:
    """Let a service answer so many milliseconds late (2000, or 400-620)."""
    _order(data, "slow", service, delay_ms)


@fault_app.command("stop")
def fault_stop(
    service: str,
    data: Data = DATA,
    hard: Annotated[bool, typer.Option("--hard", help="as a crash would (of a cluster's program)")] = False,
) -> None:
    """Stop a service: no answers, no workers. Of a cluster also rent-2, postgres, kafka or envoy."""
    _order(data, "stop", service, *(["hard"] if hard else []))


@fault_app.command("heal")
def fault_heal(service: Annotated[str | None, typer.Argument()] = None, data: Data = DATA) -> None:
    """Start a service, or every one, again and take its delay away."""
    _order(data, "heal", *([service] if service else []))


@app.command()
def migrate(
    service: OneService,
    data: Data = DATA,
    store: Annotated[str, typer.Option(envvar="GBIKE_STORE_URL", help="a store by its URL, instead of --data")] = "",
) -> None:
    """Bring a service's schema to the newest version; `demo` and `serve` do it by themselves."""
    from gbike.app.catalogue import card

    if store:
        from gbike.app.single import given, migrate_store

        with named_errors():
            changed = migrate_store(given(store), card(service).versions)
        typer.echo(f"{service} {'is now' if changed else 'was already'} at the newest schema")
        return
    from gbike.app.copies import locked
    from gbike.app.data_folder import DataFolder
    from gbike.app.manifest import adopt_old
    from gbike.kit.schema import migrate as schema

    folder = DataFolder(data)
    with named_errors():
        found = card(service)
        with locked(folder, "gbike migrate"):
            adopt_old(folder)
            changed = schema.migrate(folder.store_path(found.name), found.versions)
    typer.echo(f"{found.name} {'is now' if changed else 'was already'} at {schema.newest(found.versions)}")


@app.command()
def settings(service: Annotated[str | None, typer.Argument()] = None) -> None:
    """Every setting: its name, the value that is set, its default in the demo and in the secure forms, its meaning."""
    from gbike.app.catalogue import card, cards
    from gbike.app.defaults import setting_rows

    with named_errors():
        for one in [card(service)] if service else cards():
            typer.echo(one.name)
            for row in setting_rows(one.settings, settings_given()):
                typer.echo(f"  {row.name}={row.value}  (demo {row.demo}, secure {row.secure}) {row.meaning}")


@app.command()
def routes() -> None:
    """The route table, from the code."""
    typer.echo(import_module("gbike.app.event_map").routes())


@events_app.callback(invoke_without_command=True)
def events(context: typer.Context) -> None:
    """The event map, from the code; `gbike events dead` shows what consumers set aside."""
    if context.invoked_subcommand is None:
        from gbike.app.event_map import event_map

        typer.echo(event_map())


@events_app.command("republish")
def events_republish(
    since: Annotated[str, typer.Option(help="a moment, UTC unless it says otherwise: 2026-11-29T12:00")],
    data: Data = DATA,
    store: Annotated[str, typer.Option(envvar="GBIKE_STORE_URL", help="a store by its URL, instead of --data")] = "",
    service: Annotated[str, typer.Option(help="only what this one said")] = "",
) -> None:
    """Publish again what the outboxes know since a moment, when the log lost it; who heard it does nothing twice."""
    from gbike.app.dead import Place
    from gbike.app.republish import republish

    with named_errors():
        typer.echo("\n".join(republish(Place(data, store, service), since, settings_given())))


@app.command()
def gateway(
    show: Annotated[bool, typer.Option("--print", help="print the configuration and end")] = False,
    host: Annotated[str, typer.Option(help="loopback only with --demo")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8088,
    admin_port: Annotated[int, typer.Option(min=1, max=65535, help="for operators, on loopback")] = 9901,
    demo: Annotated[bool, typer.Option("--demo", help="open to pages of every origin, with no limit of rate")] = False,
    drain: Annotated[
        float | None, typer.Option(min=0, help="send the clients of a running one away, so many s")
    ] = None,
    data: Data = DATA,
) -> None:
    """Envoy in front of the services, its configuration made from the route table."""
    from gbike.app import gateway as door
    from gbike.app.engines import CannotRun
    from gbike.kit.settings import BadSetting

    if drain is not None:
        raise typer.Exit(0 if asyncio.run(door.drain(admin_port, drain)) else 1)
    place = door.Place(host, port, admin_port, demo)
    try:
        typer.echo(door.show(place)) if show else door.run(place, data / "gateway")
    except (BadSetting, CannotRun) as wrong:
        typer.echo(f"gbike: {wrong}", err=True)
        raise typer.Exit(2) from None


@app.command(context_settings=PASS_ON)
def sim(context: typer.Context) -> None:
    """Simulate the services under faults: --seeds N, --seed S, --mutants."""
    _from_checkout("simulation", context.args)


@app.command(context_settings=PASS_ON)
def chaos(context: typer.Context) -> None:
    """Kill, starve and freeze real processes: kill9, outage, cluster, freeze; each says with --help what can be set."""
    _from_checkout("chaos", context.args)


@app.command(context_settings=PASS_ON)
def bench(context: typer.Context) -> None:
    """Measure rides per second, latencies, memory and start, beside their floors."""
    _from_checkout("bench", context.args)


def _mount(into: typer.Typer, name: str, says: str) -> None:
    def verbs(context: typer.Context) -> None:
        import_module(f"gbike.app.verbs.{name}").app(context.args, prog_name=context.command_path)

    into.command(name, help=says, context_settings=PASS_ON)(verbs)


for _group in MOUNTED:
    _mount(*_group)


def _from_checkout(package: str, args: list[str]) -> None:
    checkout = Path(__file__).parents[3]
    if not (checkout / "dev" / package / "cli.py").exists():
        typer.echo(f"gbike: {package} is part of a checkout of gbike, and this is an installed one", err=True)
        raise typer.Exit(2)
    sys.path.insert(0, str(checkout))
    raise typer.Exit(import_module(f"dev.{package}.cli").main(args))


def settings_given() -> dict[str, str]:
    """The GBIKE_ variables of this process."""
    from gbike.kit.settings import environment

    return environment(os.environ)


def _order(data: Path, verb: str, *args: str) -> None:
    from gbike.app import control
    from gbike.app.data_folder import DataFolder

    with named_errors():
        _tell(control.ask(DataFolder(data), verb, *args))


def _tell(done: object) -> None:
    from gbike.app.control import Done

    assert isinstance(done, Done)
    typer.echo(done.said, err=not done.ok)
    if not done.ok:
        raise typer.Exit(2)
