"""Verbs that run in this process send the log to what is their stderr; each test here begins with a log of its own."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog

from gbike.kit.telemetry import configure_logs, log
from gbike.run.folder.backup import copy_stopped
from gbike.run.folder.data_folder import DataFolder
from tests.folder.lived import Lived, ride


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Forget where the log went, and leave it to others as it was."""
    vars(log).pop("bind", None)
    configure_logs("CRITICAL")
    yield
    vars(log).pop("bind", None)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A folder that was used on two days."""
    lived = Lived(tmp_path_factory.mktemp("lived"))
    asyncio.run(ride(lived.today, 1))
    lived.copy(lived.yesterday)
    copy_stopped(DataFolder(lived.today), lived.older_backup)
    asyncio.run(ride(lived.today, 2))
    copy_stopped(DataFolder(lived.today), lived.backup)
    asyncio.run(ride(lived.other, 1))
    asyncio.run(ride(lived.other, 2))
    return lived
