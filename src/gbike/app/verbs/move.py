"""`gbike move`."""

from pathlib import Path
from typing import Annotated

import typer

from gbike.app.cli import named_errors, settings_given

app = typer.Typer(help="From one machine to a cluster.", add_completion=False)


@app.command()
def move(
    source: Annotated[Path, typer.Option("--from", help="the folder of one process, stopped; it stays as it is")],
    to: Annotated[str, typer.Option("--to", help="a new folder for `gbike cluster up`, or postgresql://…")],
) -> None:
    """Bring a stopped one-machine folder into a cluster's PostgreSQL: everything, or nothing."""
    from rich.console import Console

    from gbike.app.cluster.plan import BadCluster
    from gbike.app.cluster.ports import PortTaken
    from gbike.app.data_folder import DataFolder
    from gbike.app.engines import CannotRun
    from gbike.app.move import CannotMove, NotTheSame
    from gbike.app.move.run import move as move_all
    from gbike.app.move.screen import Screen

    with named_errors():
        try:
            with Screen(Console(stderr=False, highlight=False)) as screen:
                move_all(DataFolder(source), to, settings_given(), screen)
        except (CannotMove, BadCluster, CannotRun, PortTaken) as wrong:
            typer.echo(f"gbike: {wrong}", err=True)
            raise typer.Exit(1 if isinstance(wrong, NotTheSame) else 2) from None
