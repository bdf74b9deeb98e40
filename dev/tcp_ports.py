"""Ports for programs that are started."""

import random

from gbike.run.cluster.tcp_ports import FIRST, LAST, is_free


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections: it stays free until a
    program is started there, and while it is not."""
    while not is_free(port := random.randrange(FIRST, LAST)):  # noqa: S311 - no secret
        pass
    return port
