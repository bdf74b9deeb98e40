"""`gbike events dead list|show|replay|drop`."""

from typing import Annotated

import typer

from gbike.app import dead
from gbike.app.cli import DATA, Data, named_errors, settings_given

app = typer.Typer(
    help="Messages that a consumer set aside, with their reasons.", no_args_is_help=True, add_completion=False
)
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="GBIKE_STORE_URL", help="a store by its URL, instead of --data")
]
OfService = Annotated[str, typer.Option("--service", help="only this service's")]
Message = Annotated[str, typer.Argument(metavar="ID", help="the message's id, as the list shows it")]


@app.command("list")
def dead_list(data: Data = DATA, store: StoreUrl = "", service: OfService = "") -> None:
    """What is set aside, and why, beside a running gbike or after it."""
    with named_errors():
        typer.echo("\n".join(dead.listed(dead.Place(data, store, service))))


@app.command("show")
def dead_show(message: Message, data: Data = DATA, store: StoreUrl = "", service: OfService = "") -> None:
    """Everything about one message that is set aside."""
    with named_errors():
        typer.echo("\n".join(dead.shown(dead.Place(data, store, service), message)))


@app.command("replay")
def dead_replay(message: Message, data: Data = DATA, store: StoreUrl = "", service: OfService = "") -> None:
    """Give a message again to the service that set it aside: it takes effect, or stays with the new reason."""
    with named_errors():
        done, lines = dead.replay(dead.Place(data, store, service), message, settings_given())
    typer.echo("\n".join(lines))
    raise typer.Exit(0 if done else 1)


@app.command("drop")
def dead_drop(
    message: Message,
    reason: Annotated[str, typer.Option("--reason", help="why it will never be handled; the audit log keeps it")],
    data: Data = DATA,
    store: StoreUrl = "",
    service: OfService = "",
) -> None:
    """Let go of a message for good: it never takes effect, and waits no more."""
    with named_errors():
        done, lines = dead.drop(dead.Place(data, store, service), message, reason, settings_given())
    typer.echo("\n".join(lines))
    raise typer.Exit(0 if done else 1)
