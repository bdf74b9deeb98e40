"""The process's limit of open files: beyond it, files and connections fail, or are closed unheard."""

import errno
import os
import resource
from contextlib import suppress
from pathlib import Path

from gbike.kit.telemetry import Metrics, log

HERE = Path("/proc/self/fd")
NEARLY = 0.95
"""Of the limit: who looks every few seconds does not see a short time at the very end of it."""


class OpenFiles:
    """Looks how many there are; once in all for each time that the limit is reached, it is said and counted."""

    def __init__(self, metrics: Metrics, service: str) -> None:
        self._reached = metrics.open_files_reached.labels(service)
        self._service, self._known = service, False

    async def step(self) -> int:
        most = limit()
        reached = how_many() >= NEARLY * most
        if reached and not self._known:
            self._reached.inc()
            log.error("the limit of open files is reached", service=self._service, most=most, mend="ulimit -n")
        self._known = reached
        return 0


def limit() -> int:
    """How many files and connections this process may have open."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1_048_576 if most == resource.RLIM_INFINITY else most


def raise_limit() -> None:
    """Take as many as the operator allows: the usual soft limit, 1,024, is for programs of before `poll`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where the system has another opinion, it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def how_many() -> float:
    """Open files and connections of this process; infinitely many when not even one more can be opened, none where
    the system does not tell."""
    try:
        return len(os.listdir(HERE))
    except OSError as wrong:
        return float("inf") if wrong.errno in (errno.EMFILE, errno.ENFILE) else 0
