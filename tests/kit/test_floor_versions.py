"""The floor's tables have a line of versions of their own, which follows each service's."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gbike.kit.storage.migrations import migrate as schema
from gbike.kit.storage.migrations.migrate import (
    FLOOR,
    FLOOR_VERSIONS,
    LOG_VERSIONS,
    migrate,
    migrate_url,
    newest,
    version_of,
)
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.registry import spec, specs
from tests.kit.left import schema_of
from tests.postgres import Server
from tests.upgrade.kept import put_back

RELEASES = sorted(path.parent for path in (Path(__file__).parents[1] / "upgrade").glob("**/rent.sql*"))
FOLDERS = [path for path in RELEASES if path.name != "postgres"]
NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9998", {before!r}
def upgrade() -> None:
    op.create_table("weather", sa.Column("rain", sa.Text))
"""
ALONE = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade() -> None:
    op.create_table("moods", sa.Column("mood", sa.Text))
"""
Grow = Callable[[], None]


@pytest.fixture
def grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grow:
    """Lets the floor have one more step: one file."""

    def grow() -> None:
        folder = tmp_path / "floor"
        folder.mkdir()
        for file in FLOOR_VERSIONS.glob("*.py"):
            (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
        (folder / "9998_weather.py").write_text(NEXT.format(before=newest(FLOOR_VERSIONS)))
        monkeypatch.setattr(schema, "FLOOR_VERSIONS", folder)

    return grow


@pytest.mark.parametrize("release", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_step_of_the_floor_reaches_every_store_of_a_release(release: Path, grow: Grow, tmp_path: Path) -> None:
    folder = put_back(release, tmp_path / "data")
    stores = {one.name: folder.store_path(one.name) for one in specs() if folder.store_path(one.name).exists()}
    assert len(stores) > 5
    for name, path in stores.items():
        assert migrate(path, spec(name).versions)
        assert not migrate(path, spec(name).versions)
    before = {name: (version_of(path), schema_of(path)) for name, path in stores.items()}
    grow()
    for name, path in stores.items():
        assert migrate(path, spec(name).versions)
        assert not migrate(path, spec(name).versions)
        assert version_of(path, FLOOR) == "9998"
        assert version_of(path) == before[name][0], "which is what the release before reads"
        assert schema_of(path).items() > before[name][1].items()


def test_a_step_of_the_floor_reaches_every_database(server: Server, grow: Grow) -> None:
    urls = {one.name: server.url(server.database()) for one in specs()}
    assert all(migrate_url(url, spec(name).versions) for name, url in urls.items())
    grow()
    for name, url in urls.items():
        assert migrate_url(url, spec(name).versions)
        assert not migrate_url(url, spec(name).versions)
        with server.connection(url) as connection:
            assert connection.execute("SELECT version_num FROM floor_version").fetchone() == ("9998",)
            assert connection.execute("SELECT count(*) FROM weather").fetchone() == (0,)


def test_a_service_that_makes_nothing_of_the_floor_has_all_of_it(server: Server, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001_moods.py").write_text(ALONE)
    stores = {"alone": tmp_path / "alone.sqlite"} | {one.name: tmp_path / f"{one.name}.sqlite" for one in specs()}
    for name, path in stores.items():
        migrate(path, versions if name == "alone" else spec(name).versions)
    made, *others = [schema_of(path) for path in stores.values()]
    floor = set.intersection(*map(set, others))
    assert {name: made[name] for name in made if name != "moods"} == {name: others[0][name] for name in floor}
    url = server.url(server.database())
    assert migrate_url(url, versions)
    with server.connection(url) as connection:
        assert connection.execute("SELECT count(*) FROM hours").fetchone() == (0,)


def test_the_log_has_nothing_of_the_floor(tmp_path: Path) -> None:
    migrate(tmp_path / "bus.sqlite", LOG_VERSIONS)
    with closing(open_file(tmp_path / "bus.sqlite")) as file:
        assert file.execute("SELECT 1 FROM sqlite_master WHERE name IN ('outbox', 'floor_version')").fetchone() is None
