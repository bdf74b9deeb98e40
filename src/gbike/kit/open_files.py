"""Whether this process may still open files and connections: beyond its limit they fail, or are closed unheard."""

import errno
import os
import resource
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
        """Look."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        reached = how_many() >= NEARLY * most
        if reached and not self._known:
            self._reached.inc()
            log.error("the limit of open files is reached", service=self._service, most=most, mend="ulimit -n")
        self._known = reached
        return 0


def how_many() -> float:
    """Open files and connections of this process; infinitely many when not even one more can be opened, none where
    the system does not tell."""
    try:
        return len(os.listdir(HERE))
    except OSError as wrong:
        return float("inf") if wrong.errno in (errno.EMFILE, errno.ENFILE) else 0
