"""`gbike repair`: what `gbike verify` finds, what of it can be mended with certainty, and its mending.

The list is made as verify makes it, on a copy or on a cluster at rest or in motion. What is mended is the original: by
whoever runs on the folder when somebody does, else in its stores, or in the databases that a cluster's folder names.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from gbike.cli import DATA, Data, settings_given
from gbike.cli.verify import judged
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.mends import Mend, Mendable, TakeNote
from gbike.run.open_stores import StoreLocation
from gbike.run.orders import give
from gbike.run.store_verbs import store_verbs

NOT_BY_REPAIR = (
    "gbike repair can't mend this: look again once the others are mended"
    " · gbike repair로 고칠 수 없어요. 다른 것을 고친 뒤 다시 확인해 주세요"
)


class Finding(msgspec.Struct, frozen=True):
    """A violation. `number`: of its mend in the list, 0 where there is none; what one mend mends has one number."""

    violation: str
    number: int = 0
    mend: Mend | None = None


def repair_verb(
    number: Annotated[int | None, typer.Argument(metavar="N", help="only this one of the list", min=1)] = None,
    data: Data = DATA,
    yes: Annotated[bool, typer.Option("--yes", help="mend it; without this it is only listed")] = False,
) -> None:
    """List what `gbike verify` finds, and how it can be mended with certainty; with --yes mend one (N) or all, each in
    the audit chain. Beside a running gbike or after it."""
    folder, env = DataFolder(data), settings_given()
    found = findings(folder, env, typer.echo)
    mends = chosen(found, number)
    if not yes:
        typer.echo("\n".join(listed([one for one in found if number in (None, one.number)])))
        raise typer.Exit(1 if found else 0)
    went_well = []
    for well, printed in mend(folder, env, mends):
        typer.echo(printed, err=not well)
        went_well.append(well)
    left = [one for one in found if one.mend not in mends]
    if number is None and left:
        typer.echo("\n".join([*listed(left)][:-1]))
    typer.echo(f"{sum(went_well)} mended; look again with `gbike verify` · {sum(went_well)}건을 고쳤어요")
    raise typer.Exit(0 if all(went_well) and not (number is None and left) else 1)


def findings(folder: DataFolder, env: Mapping[str, str], tell: Callable[[str], None]) -> list[Finding]:
    """Every violation, numbered where it can be mended. Raises NoData."""

    async def look() -> list[str]:
        async with judged(folder, env, tell) as (_, found):
            return found

    numbers: dict[Mend, int] = {}
    found = []
    for violation in asyncio.run(look()):
        if isinstance(violation, Mendable):
            number = numbers.setdefault(violation.mend, len(numbers) + 1)
            found.append(Finding(violation, number, violation.mend))
        else:
            found.append(Finding(violation))
    return found


def chosen(found: Sequence[Finding], number: int | None) -> list[Mend]:
    """The mends of a list: the one of this number, or all but those that somebody has to look at. Raises NoData."""
    mends = {one.number: one.mend for one in found if one.mend is not None}
    if number is None:
        return [mend for mend in mends.values() if not isinstance(mend, TakeNote)]
    if number not in mends:
        raise NoData(f"there is no mend {number}; `gbike repair` lists them")
    return [mends[number]]


def listed(found: Sequence[Finding]) -> Iterator[str]:
    """Two lines for each violation, and how to go on."""
    for one in found:
        yield f"{one.number or '-':>3}  {one.violation}"
        yield f"     {one.mend or NOT_BY_REPAIR}"
    mends = {one.mend for one in found if one.mend}
    yield f"{len(found)} violations, {len(mends)} mends · 위반 {len(found)}건, 고칠 수 있는 것 {len(mends)}건"
    if mends:
        yield "`gbike repair N --yes` mends one, `gbike repair --yes` all · N번만, 또는 모두 고쳐요"


def mend(folder: DataFolder, env: Mapping[str, str], mends: Sequence[Mend]) -> Iterator[tuple[bool, str]]:
    """Do each of `mends`; tells of each whether that went well, and how. Raises NoData, FolderInUse, NotRunning."""
    asked = [("mend", msgspec.json.encode(one).decode()) for one in mends]
    given = give(StoreLocation(folder.path), env, store_verbs, asked, command="gbike repair")
    for one, done in zip(mends, given, strict=True):
        yield done.ok, f"{one}: {done.said}"
