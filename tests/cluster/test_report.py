"""What `gbike cluster status` tells, and the first admin of a secure cluster."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import CliRunner

from gbike.cli import app
from gbike.cli.account import NotDone, have_one, is_there_one
from gbike.kit.clock import SystemClock, SystemIds
from gbike.run.cluster import report
from gbike.run.cluster.child import Child, ProcessSpec
from gbike.run.engines import Program
from gbike.run.registry import spec
from gbike.run.single import migrate_store, open_store


@pytest.fixture
async def billing() -> AsyncIterator[str]:
    """A service that is ready, and tells a lag."""

    async def answer(asked: web.Request) -> web.Response:
        return web.Response(text='gbike_consumer_lag{service="billing"} 7.0\n' if asked.path == "/metrics" else "")

    server = web.Application()
    server.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_while_kafka_is_away_nobody_knows_how_far_behind_a_service_is(billing: str, tmp_path: Path) -> None:
    there = True

    async def ready() -> bool:
        return there

    def a_child(name: str, url: str | None) -> Child:
        child = Child(ProcessSpec(name, name, 1, lambda: Program([]), ready, url=url), tmp_path, print, lambda: None)
        child.wanted = True
        return child

    children = [a_child("kafka", None), a_child("billing", billing)]
    assert [one.lag for one in await report.look(children, tmp_path)] == [None, 7]
    there = False
    told = await report.look(children, tmp_path)
    assert [(one.lag, one.health) for one in told] == [(None, "down"), (None, "ready")]


async def test_a_secure_cluster_gets_the_admin_of_the_file_once(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/account.sqlite", tmp_path / "admin"
    migrate_store(url, spec("account").versions)
    file.write_text("boss\nshort\n")
    file.chmod(0o600)
    with pytest.raises(NotDone):
        await have_one(url, {}, file)
    file.write_text("boss\na long enough pass phrase 42\n")
    await have_one(url, {}, file)
    store = open_store(url, "account", SystemClock(), SystemIds())
    assert await is_there_one(store)
    await store.close()
    file.unlink()
    await have_one(url, {}, file)  # there is one: nobody reads the file


def test_cluster_up_heeds_the_admin_file() -> None:
    text = CliRunner().invoke(app, ["cluster", "up", "--help"], env={"COLUMNS": "200"}).output
    assert "--admin-file" in text
    assert "GBIKE_ADMIN_FILE" in text
