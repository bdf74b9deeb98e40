"""`gbike audit list|verify|export`."""

from pathlib import Path
from typing import Annotated

import typer

from gbike.app import audit
from gbike.app.cli import DATA, Data, named_errors
from gbike.app.dead import Place

app = typer.Typer(
    help="Who did what with money, bikes, staff and accounts.", no_args_is_help=True, add_completion=False
)
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="GBIKE_STORE_URL", help="a store by its URL, instead of --data")
]
OfService = Annotated[str, typer.Option("--service", help="only this service's")]
Subject = Annotated[str, typer.Option("--subject", help="only of this: user:3, bike:7, manager:1")]
Who = Annotated[str, typer.Option("--who", help="only by this one: an account's number, demo, local")]
Since = Annotated[str, typer.Option("--since", help="from then on: 2026-11-23, 90m, 24h, 7d")]
Against = Annotated[
    Path | None, typer.Option("--against", help="rows that must still be there: lines of an export, or of --json")
]


@app.command("list")
def audit_list(
    *, data: Data = DATA, store: StoreUrl = "", service: OfService = "", subject: Subject = "", who: Who = "",
    since: Since = "",
) -> None:  # fmt: skip
    """What was done, oldest first."""
    with named_errors():
        for line in audit.listed(Place(data, store, service), _wanted(subject, who, since)):
            typer.echo(line)


@app.command("export")
def audit_export(
    *, data: Data = DATA, store: StoreUrl = "", service: OfService = "", subject: Subject = "", who: Who = "",
    since: Since = "",
) -> None:  # fmt: skip
    """The same as lines of JSON, with the hashes: keep them elsewhere, for `verify --against`."""
    with named_errors():
        for line in audit.exported(Place(data, store, service), _wanted(subject, who, since)):
            typer.echo(line)


@app.command("verify")
def audit_verify(
    data: Data = DATA,
    store: StoreUrl = "",
    service: OfService = "",
    against: Against = None,
    as_json: Annotated[bool, typer.Option("--json", help="the heads as lines of JSON")] = False,
) -> None:
    """Walk every chain: is any row changed, removed, moved, or cut off?"""
    with named_errors():
        found = audit.verify(Place(data, store, service), against, as_json, typer.echo)
    if not as_json:
        typer.echo(f"{found} breaks · 훼손 {found}건")
    raise typer.Exit(1 if found else 0)


def _wanted(subject: str, who: str, since: str) -> audit.Wanted:
    try:
        return audit.Wanted(subject, who, audit.since(since) if since else 0)
    except ValueError:
        raise typer.BadParameter(f"--since {since!r}: write 2026-11-23, 90m, 24h or 7d") from None
