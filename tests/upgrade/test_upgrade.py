"""An upgrade loses nothing and needs no stop: old stores open, and migrations only add."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gbike.kit.storage.migrations.migrate import FLOOR_VERSIONS, LOG_VERSIONS
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import specs
from tests.journeys.fleet import assert_nothing_is_violated, every
from tests.support import EVERY_RIDE_COSTS, Client
from tests.upgrade.kept import put_back

RELEASES = sorted(path for path in Path(__file__).parent.iterdir() if (path / "rent.sql").exists())
ONLY_ADDS = {"create_table", "create_index", "add_column", "execute", "get_bind", "f", "batch_alter_table"}
"""What a migration may call of Alembic's `op`. `execute` may move data; nothing is dropped, renamed or narrowed."""


@pytest.fixture(params=RELEASES, ids=[path.name for path in RELEASES])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> DataFolder:
    """The data folder that a release left."""
    return put_back(request.param, tmp_path)


async def test_what_a_release_left_opens_and_rides_go_on(folder: DataFolder) -> None:
    embedded = Embedded(folder, EVERY_RIDE_COSTS)
    client = Client(embedded.app)
    await embedded.settle()  # the return that nobody had heard of
    assert {bill["rentid"]: bill["status"] for bill in await every(client, "/billings")} == {
        1: "CLOSEBILL",
        2: "CLOSEBILL",
        3: "OPENBILL",
    }
    replayed = await client.post("/rents", {"userid": 3, "bikeid": 3}, idempotency_key="rents-3")
    assert (replayed.status, replayed.json["rentid"]) == (201, 3)
    assert (await client.patch("/rents/3", {"endlocation": "there"})).status == 200
    rent = await client.post("/rents", {"userid": 4, "bikeid": 1})
    assert (rent.status, rent.json["rentid"]) == (201, 4)
    await embedded.settle()
    await assert_nothing_is_violated(embedded)
    await embedded.stop()


def migrations() -> Iterator[Path]:
    for versions in [LOG_VERSIONS, FLOOR_VERSIONS, *(spec.versions for spec in specs())]:
        yield from sorted(versions.glob("[0-9]*_*.py"))


@pytest.mark.parametrize("file", list(migrations()), ids=lambda path: f"{path.parents[2].name}/{path.name}")
def test_a_migration_only_adds_so_that_the_version_before_runs_beside_it(file: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    used = {
        call.func.attr
        for call in calls
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "op"
    }
    assert used <= ONLY_ADDS, f"{file.name} uses {sorted(used - ONLY_ADDS)}"
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_column":
            column = ast.unparse(call)
            assert "nullable=False" not in column or "server_default" in column, f"{column}: old code does not fill it"
