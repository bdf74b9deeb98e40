"""Services that are forked: each a process of its own, known by how it ended, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gbike.run.cluster import orphans
from gbike.run.cluster.forkserver import Forked, ForkServer
from gbike.run.cluster.plan import SERVE
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.engines import Program
from tests.cluster.running import ask, until
from tests.cluster.test_child import alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere services are started as commands")
NOBODY = "127.0.0.1:1"


@pytest.fixture
def ports() -> Iterator[int]:
    return free_ports()


class Case:
    """A fork server, and services from it."""

    def __init__(self, folder: Path, ports: Iterator[int]) -> None:
        self.folder = folder
        self._ports = ports
        self.changes = 0
        self.server = ForkServer(self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def service(self, name: str, **env: str) -> tuple[Forked, str]:
        """One that was asked for, and where it will answer."""
        port = next(self._ports)
        own = {"GBIKE_DEMO": "1", "GBIKE_STORE_URL": f"sqlite:///{self.folder}/{name}-{port}.sqlite"}
        env = {**os.environ, **own, "GBIKE_KAFKA": NOBODY, **env}
        program = Program([*SERVE, name, "--port", str(port)], env)
        forked = await self.server.launch(program, self.folder / f"{name}.log", signal.SIGTERM)
        return forked, f"http://127.0.0.1:{port}/health/ready"

    async def ready(self, url: str) -> None:
        """Return when it is."""
        is_ready = lambda: (found := ask("GET", url)) and found.status == 200  # noqa: E731
        await asyncio.get_running_loop().run_in_executor(None, until, is_ready)


@pytest.fixture
async def case(tmp_path: Path, ports: Iterator[int]) -> AsyncIterator[Case]:
    found = Case(tmp_path, ports)
    yield found
    await found.server.stop()
    assert not alive(found.server.pid)


async def test_two_services_are_two_processes_that_end_as_they_are_told(case: Case) -> None:
    (rent, rents), (bike, bikes) = await asyncio.gather(case.service("rent"), case.service("bike"))
    await asyncio.gather(case.ready(rents), case.ready(bikes))
    assert (len({rent.pid, bike.pid, case.server.pid}), case.changes) == (3, 1)
    assert os.getpgid(rent.pid) == rent.pid, "what is sent to the supervisor's group is not for it"
    rent.send_signal(signal.SIGTERM)
    bike.send_signal(signal.SIGKILL)
    assert (await rent.wait(), await bike.wait()) == (0, -signal.SIGKILL)
    assert '"event":"stopped"' in (case.folder / "rent.log").read_text()
    bike.send_signal(signal.SIGKILL)  # nobody is there any more


async def test_what_can_not_be_served_ends_with_its_code_and_says_why_in_its_log(case: Case) -> None:
    wrong, _ = await case.service("bike", GBIKE_STORE_URL="mysql://x")
    assert await wrong.wait() == 2
    assert "GBIKE_STORE_URL='mysql://x'" in (case.folder / "bike.log").read_text()


async def test_nothing_of_one_service_s_settings_is_left_to_the_next(case: Case) -> None:
    wrong, _ = await case.service("rent", GBIKE_RENT_DEADLINE_MS="soon")
    assert await wrong.wait() == 2
    right, url = await case.service("rent")
    await case.ready(url)
    right.send_signal(signal.SIGTERM)
    assert await right.wait() == 0


async def test_with_the_fork_server_its_services_end_and_the_next_comes_from_another(case: Case) -> None:
    one, url = await case.service("bike")
    await case.ready(url)
    first = case.server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert await one.wait() == -signal.SIGTERM
    other, url = await case.service("bike")
    await case.ready(url)
    assert (case.server.pid != first, case.changes, alive(other.pid)) == (True, 2, True)


async def test_who_no_longer_waits_for_a_service_has_none(case: Case) -> None:
    await case.service("bike", GBIKE_STORE_URL="mysql://x")  # the fork server is there
    asking = asyncio.create_task(case.service("bike"))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    one, url = await case.service("bike")
    await case.ready(url)
    children = Path(f"/proc/{case.server.pid}/task/{case.server.pid}/children")
    until(lambda: children.read_text().split() == [str(one.pid)], 10)


def test_it_has_the_code_of_no_service() -> None:
    code = "import gbike.run.serve, gbike.run.cluster.forkserver, gbike.kit.calls.remote, sys"
    code += "; import gbike.kit.storage.postgres.store"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; print([name for name in sys.modules if 'gbike.services.' in name])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "[]\n"


def test_everything_ends_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    supervisor = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path.cwd())!r})
from gbike.run.cluster.tcp_ports import free_ports
from tests.cluster.test_forkserver import Case

async def main() -> None:
    case = Case(Path({str(tmp_path)!r}), free_ports())
    one, url = await case.service("bike")
    await case.ready(url)
    print(one.pid, case.server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert [alive(pid) for pid in pids] == [True, True]
    process.kill()
    process.wait()
    until(lambda: not any(orphans.birth(pid) for pid in pids), 20)
