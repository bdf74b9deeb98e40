"""`gbike privacy export|erase`."""

from typing import Annotated

import msgspec
import typer

from gbike.app import privacy
from gbike.app.cli import DATA, Data, named_errors, settings_given
from gbike.app.dead import Place

app = typer.Typer(help="What is held of one person.", no_args_is_help=True, add_completion=False)
User = Annotated[int, typer.Argument(metavar="USERID", min=1)]


@app.command("export")
def privacy_export(userid: User, data: Data = DATA) -> None:
    """Everything that every service holds of a person, as JSON."""
    with named_errors():
        found = privacy.export(Place(data), userid)
    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))


@app.command("erase")
def privacy_erase(
    userid: User,
    data: Data = DATA,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Forget a person: name, contact and exact places go from every service; rides, bills and money stay, by number."""
    if not yes:
        typer.confirm(f"Erase person {userid}? It can't be undone. · 되돌릴 수 없습니다", abort=True)
    with named_errors():
        typer.echo(privacy.erase(Place(data), userid, settings_given()))
