"""`gbike bikes import`: beside a running gbike and on a stopped folder, in English and Korean."""

import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.run import CannotDo
from gbike.run.import_verbs import _file
from tests.folder.demo import Demo

FLEET = "자전거번호,대여소명,배터리(%)\n901,정자역,80\n902,수내역,영\n903,서현역,100\n"


def bikes_import(data: Path, *args: str) -> tuple[int, str]:
    """How the command ended, and all that it printed."""
    done = CliRunner().invoke(app, ["bikes", "import", *args, "--data", str(data)])
    return done.exit_code, done.output


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    file = tmp_path / "fleet.csv"
    file.write_bytes(FLEET.encode("cp949"))
    return str(file)


def test_a_file_is_imported_beside_a_running_gbike_and_on_its_stopped_folder(fleet: str, tmp_path: Path) -> None:
    with Demo(tmp_path / "data") as demo:
        demo.start("--empty")
        code, told = bikes_import(demo.data, fleet, "--dry-run")
        assert (code, "1: would be 2 registered" in told, demo.count("/bikes")) == (1, True, 0)
        code, told = bikes_import(demo.data, fleet)
        assert (code, demo.count("/bikes")) == (1, 2)
        assert "line 3: the battery is a whole number from 0 to 100" in told
        assert "3번째 줄: 배터리는 0에서 100까지의 정수예요" in told
        assert "import 2: 2 registered, 0 changed, 0 unchanged, 1 refused of 3 · 등록 2" in told
        assert demo.end() == 0
        code, told = bikes_import(demo.data, fleet, "--change")
        assert (code, "import 3: 0 registered, 0 changed, 2 unchanged, 1 refused" in told) == (1, True)
        Path(fleet).write_text("no\n904\n")
        code, told = bikes_import(demo.data, fleet)
        assert (code, "어느 열이 bikeid인가요? no" in told) == (1, True)
        assert bikes_import(demo.data, fleet, "--column", "no=bikeid")[0] == 0
        demo.start()
        assert demo.count("/bikes") == 3
        assert demo.end() == 0
        assert demo.violations() == []


def test_a_file_that_can_not_be_imported_is_told_in_a_line(tmp_path: Path) -> None:
    with Demo(tmp_path / "data") as demo:
        demo.start("--empty")
        file = tmp_path / "fleet.xlsx"
        file.write_bytes(b"PK\x03\x04")
        code, told = bikes_import(demo.data, str(file))
        assert (code, "save the sheet as CSV" in told, "CSV로 저장" in told) == (2, True, True)
        code, told = bikes_import(demo.data, str(tmp_path / "none.csv"))
        assert (code, told.count("\n")) == (2, 1)
        assert demo.end() == 0
    code, told = bikes_import(tmp_path / "nowhere", str(file))
    assert (code, "there is no gbike data" in told) == (2, True)
    assert bikes_import(tmp_path / "nowhere", str(file), "--column", "no=number")[0] == 2


def test_what_another_program_writes_is_imported_as_a_file_is(fleet: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with Demo(tmp_path / "data") as demo:
        demo.start("--empty")
        with subprocess.Popen(["sh", "-c", 'cat "$1" > "$2"', "sh", fleet, str(pipe)]) as writer:
            code, told = bikes_import(demo.data, str(pipe))
            assert (code, "2 registered" in told, demo.count("/bikes")) == (1, True, 2)
            assert writer.wait() == 0
        assert demo.end() == 0


def test_a_pipe_holds_up_no_running_gbike(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotDo, match="is no file"):
        _file(tmp_path / "pipe")
