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
    engines that are away; each in a line that says how to mend it. Of a secure gbike also how many riders the defaults
    for deposits and open rents would refuse, which is not wrong."""
    in_a_pod = {name: os.environ[name] for name in ("KUBERNETES_SERVICE_HOST",) if name in os.environ}
    with named_errors():
        found = list(examine(DataFolder(data), {**settings_given(), **in_a_pod}, SystemClock()))
    wrong = any(finding.wrong for finding in found)
    lines = [*map(str, found), *([] if wrong else ["nothing is wrong · 이상이 없습니다"])]
    typer.echo("\n".join(lines))
    raise typer.Exit(1 if wrong else 0)
