"""Verbs that run in this process send the log to what is their stderr; each test here begins with a log of its own."""

import pytest

from gbike.kit.telemetry import configure_logs, log


@pytest.fixture(autouse=True)
def own_log() -> None:
    """Forget where the log went."""
    vars(log).pop("bind", None)
    configure_logs("CRITICAL")
