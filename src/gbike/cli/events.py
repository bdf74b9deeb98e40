"""`gbike events`: what is said, from the code; `gbike events republish`: what the outboxes still know goes to the log
again, on either engine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from gbike.cli import DATA, Data, StoreUrl, dead, settings_given
from gbike.run.event_map import build_all, events
from gbike.run.folder.backup import NoData
from gbike.run.open_stores import StoreLocation
from gbike.run.orders import give
from gbike.run.registry import spec as find_spec
from gbike.run.store_verbs import store_verbs

events_verb = typer.Typer(help="The events: their map, and what was set aside.", add_completion=False)
events_verb.add_typer(dead.dead_verb, name="dead")


@events_verb.callback(invoke_without_command=True)
def event_map(context: typer.Context) -> None:
    """The event map, from the code; `gbike events dead` shows what consumers set aside."""
    if context.invoked_subcommand is None:
        for event in events(build_all()):
            typer.echo(f"{event.name}  said by {event.published_by}: {event.meaning}")
            for one in event.handled_by:
                typer.echo(f"    {one.service}: {one.why}")
            if not event.handled_by:
                typer.echo("    nobody hears it yet")


@events_verb.command("republish")
def events_republish(
    since: Annotated[str, typer.Option(help="a moment, UTC unless it says otherwise: 2026-11-29T12:00")],
    data: Data = DATA,
    store: StoreUrl = "",
    service: Annotated[str, typer.Option(help="only what this one said")] = "",
) -> None:
    """Publish again what the outboxes know since a moment, when the log lost it; who heard it does nothing twice."""
    typer.echo(republish(StoreLocation(data, store, service), since, settings_given()))


def since_ms(text: str) -> int:
    """A moment as people write it: 2026-11-29T12:00, UTC unless it says otherwise. Raises NoData."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoData(f"--since {text}: write a moment like 2026-11-29T12:00 (UTC) or 2026-11-29T21:00+09:00") from None
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def republish(where: StoreLocation, since: str, env: Mapping[str, str]) -> str:
    """A line for each service. Raises NoData, FolderInUse, NoSuchService."""
    service = find_spec(where.service).name if where.service else ""
    order = ("republish", service, str(since_ms(since)))
    [done] = give(where, env, store_verbs, [order], command="gbike events republish")
    if not done.ok:
        raise NoData(done.said)
    return done.said
