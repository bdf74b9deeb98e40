"""`gbike demo-fault` on a running demo: what it can't do is said in a sentence, with exit code 2."""

from pathlib import Path

from typer.testing import CliRunner, Result

from gbike.cli import app, demo
from gbike.run.control import Control
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from tests.repair.installation import beside


async def test_a_service_of_a_demo_ends_not_as_in_a_crash(tmp_path: Path) -> None:
    folder, control = DataFolder(tmp_path), Control(tmp_path)
    embedded = Embedded(folder, {})
    folder.acquire("gbike demo")
    await control.start(demo._verbs(embedded))
    folder.announce("gbike demo", control=control.path)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, ["demo-fault", *words, "--data", str(tmp_path)])

    try:
        refused = await beside(lambda: typed("stop", "billing", "--hard"))
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
        assert refused.stderr.startswith("--hard ends a program of a cluster; a demo is one process")
        assert not embedded.part("billing").stopped
        assert (await beside(lambda: typed("stop", "billing"))).exit_code == 0
        assert embedded.part("billing").stopped
    finally:
        await control.stop()
        await embedded.stop()
        folder.release()
