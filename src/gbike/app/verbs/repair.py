"""`gbike repair`."""

from typing import Annotated

import typer

from gbike.app import repair as mending
from gbike.app.cli import DATA, Data, named_errors, settings_given
from gbike.app.data_folder import DataFolder

app = typer.Typer(add_completion=False)


@app.command()
def repair(
    number: Annotated[int | None, typer.Argument(metavar="N", help="only this one of the list", min=1)] = None,
    data: Data = DATA,
    yes: Annotated[bool, typer.Option("--yes", help="mend it; without this it is only listed")] = False,
) -> None:
    """List what `gbike verify` finds, and how it can be mended with certainty; with --yes mend one (N) or all, each in
    the audit chain. Beside a running gbike or after it."""
    folder, env = DataFolder(data), settings_given()
    with named_errors():
        found = mending.findings(folder, env, typer.echo)
        mends = mending.chosen(found, number)
        if not yes:
            typer.echo("\n".join(mending.listed([one for one in found if number in (None, one.number)])))
            raise typer.Exit(1 if found else 0)
        went_well = []
        for well, said in mending.mend(folder, env, mends):
            typer.echo(said, err=not well)
            went_well.append(well)
    left = [one for one in found if one.mend not in mends]
    if number is None and left:
        typer.echo("\n".join([*mending.listed(left)][:-1]))
    typer.echo(f"{sum(went_well)} mended; look again with `gbike verify` · {sum(went_well)}건을 고쳤어요")
    raise typer.Exit(0 if all(went_well) and not (number is None and left) else 1)
