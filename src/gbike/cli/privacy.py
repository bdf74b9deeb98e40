"""`gbike privacy export|erase`: what everybody holds of one person, and that person forgotten by everybody."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from gbike.cli import DATA, Data, User, group, settings_given
from gbike.kit.privacy.personal_data import held
from gbike.kit.text import cell
from gbike.run.erasure import erase
from gbike.run.open_stores import StoreLocation
from gbike.run.registry import specs
from gbike.services.bike_manager.storage import numbers_of

privacy_verb = group("What is held of one person.")


@privacy_verb.command("export")
def privacy_export(userid: User, data: Data = DATA) -> None:
    """Everything that every service holds of a person, as JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(export(StoreLocation(data), userid)), indent=2))


@privacy_verb.command("erase")
def privacy_erase(
    userid: User, data: Data = DATA, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False
) -> None:
    """Forget a person: name, contact and exact places go from every service; rides, bills and money stay, by number."""
    if not yes:
        typer.confirm(f"Erase person {userid}? It can't be undone. · 되돌릴 수 없어요", abort=True)
    typer.echo(erase(StoreLocation(data), userid, settings_given()))


def export(where: StoreLocation, userid: int) -> dict[str, dict[str, list[Any]]]:
    """What each service holds of the person, by service and kind. Raises NoData, NoSuchService."""
    with where.readings() as stores:
        staff = numbers_of(stores["bike_manager"], userid) if "bike_manager" in stores else []
        numbers = {False: [userid], True: staff}
        found = {
            spec.name: held(stores[spec.name], spec.personal_data, numbers) for spec in specs() if spec.name in stores
        }
    return {service: _as_cells(holdings) for service, holdings in found.items() if holdings}


def _as_cells(held: Any) -> Any:
    """The same, with every text as it may be put into a spreadsheet: stores of before have them as they were sent."""
    if isinstance(held, Mapping):
        return {name: _as_cells(value) for name, value in held.items()}
    return [_as_cells(one) for one in held] if isinstance(held, list | tuple) else cell(held)
