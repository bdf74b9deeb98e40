"""`gbike account create-admin|roles|remove-authenticator|rotate-keys`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gbike.app import operators
from gbike.app.admins import NotDone, wanted
from gbike.app.cli import DATA, Data, named_errors, settings_given
from gbike.app.operators import Place
from gbike.app.rotation import rotate
from gbike.kit.access.keyring import BadKeys

app = typer.Typer(help="Accounts, for the operator.", no_args_is_help=True, add_completion=False)
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="GBIKE_STORE_URL", help="account's store by its URL, instead of --data")
]
User = Annotated[int, typer.Argument(metavar="USERID", min=1)]
AdminFile = Annotated[
    Path | None, typer.Option(envvar="GBIKE_ADMIN_FILE", help="name and password, a line each, instead of asking")
]
Keys = Annotated[Path | None, typer.Option(envvar="GBIKE_ACCOUNT_KEYS", help="the folder of keys, instead of --data")]


@contextmanager
def _told() -> Iterator[None]:
    with named_errors():
        try:
            yield
        except (NotDone, BadKeys) as wrong:
            typer.echo(f"gbike: {wrong}", err=True)
            raise typer.Exit(2) from None


@app.command("create-admin")
def create_admin(data: Data = DATA, store: StoreUrl = "", admin_file: AdminFile = None) -> None:
    """Make an admin, beside a running gbike or before it; asks for name and password."""
    with _told():
        typer.echo(operators.create_admin(Place(data, store), settings_given(), wanted(admin_file)))


@app.command("roles")
def roles(userid: User, roles: str, data: Data = DATA, store: StoreUrl = "") -> None:
    """Say what an account may do: rider,bikeManager,admin. Without an admin this is the way back."""
    with _told():
        typer.echo(operators.set_roles(Place(data, store), settings_given(), userid, roles))


@app.command("remove-authenticator")
def remove_authenticator(userid: User, data: Data = DATA, store: StoreUrl = "") -> None:
    """Take a lost authenticator away."""
    with _told():
        typer.echo(operators.remove_authenticator(Place(data, store), settings_given(), userid))


@app.command("rotate-keys")
def rotate_keys(
    data: Data = DATA,
    keys: Keys = None,
    now: Annotated[bool, typer.Option("--now", help="also when tokens of the key before may still be good")] = False,
) -> None:
    """Sign with a new key from now on, also while gbike runs; tokens of the one before are good until they expire."""
    with _told():
        typer.echo(rotate(data, keys, now=now))
