"""`gbike serve` and `gbike migrate`: one service, and its store."""

import os
from typing import Annotated

import typer

from gbike.cli import DATA, Data, StoreUrl
from gbike.run.registry import spec
from gbike.run.single import given, migrate_store

OneService = Annotated[str, typer.Argument(envvar="GBIKE_SERVICE", help="an image of one service names it")]


def serve_verb(
    service: OneService,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="default: the service's own; 0: a free one")
    ] = None,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
) -> None:
    """One service of the distributed form, as a process of its own."""
    from gbike.run.serve import run_service

    run_service(service, host, port, os.environ)


def migrate_verb(service: OneService, data: Data = DATA, store: StoreUrl = "") -> None:
    """Bring a service's schema to the newest version; `demo` and `serve` do it by themselves."""
    found = spec(service)
    if store:
        changed, newest = migrate_store(given(store), found.versions), "the newest schema"
    else:  # an image of one service has stores by their URLs alone
        from gbike.kit.storage.migrations import migrate as schema
        from gbike.run.folder.backup import locked
        from gbike.run.folder.data_folder import DataFolder
        from gbike.run.folder.manifest import adopt_old

        folder = DataFolder(data)
        with locked(folder, "gbike migrate"):
            adopt_old(folder)
            changed = schema.migrate(folder.store_path(found.name), found.versions)
        service, newest = found.name, schema.newest(found.versions)
    typer.echo(f"{service} {'is now' if changed else 'was already'} at {newest}")
