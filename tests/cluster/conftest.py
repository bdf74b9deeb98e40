"""What tests of clusters share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.running import new_folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's user can enter."""
    data = new_folder()
    yield data.parent
    shutil.rmtree(data.parent)
