"""`gbike doctor`."""

import os

import typer

from gbike.app.cli import DATA, Data, named_errors, settings_given
from gbike.app.data_folder import DataFolder
from gbike.app.doctor import examine
from gbike.kit.clock import SystemClock

app = typer.Typer(add_completion=False)


@app.command()
def doctor(data: Data = DATA) -> None:
    """Look for weak or missing secrets, open ports, a demo in production, old schemas, wrong clocks, a full disk and
    engines that are away; each in a line that says how to mend it."""
    in_a_pod = {name: os.environ[name] for name in ("KUBERNETES_SERVICE_HOST",) if name in os.environ}
    with named_errors():
        found = [str(finding) for finding in examine(DataFolder(data), {**settings_given(), **in_a_pod}, SystemClock())]
    typer.echo("\n".join(found or ["nothing is wrong · 이상이 없습니다"]))
    raise typer.Exit(1 if found else 0)
