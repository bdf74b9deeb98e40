"""TCP ports of a cluster's processes."""

import os
import socket
from collections.abc import Iterable, Iterator

from gbike.run import CannotDo

FIRST, LAST = 20_000, 32_700
"""Below the ports that the system gives to outgoing connections: a program that is started again finds its own free."""


class PortTaken(CannotDo):
    """Somebody else listens where a program of ours must."""


def must_be_free(port: int, owner: str) -> None:
    """Raises PortTaken."""
    if not is_free(port):
        raise PortTaken(
            f"port {port} ({owner}) is taken: stop what listens there, or move everything with --port (0: free ports)"
        )


def free_ports(spared: Iterable[int] = ()) -> Iterator[int]:
    """Free ports one after another, none of `spared`; two clusters that start at once begin at different places."""
    out = set(spared)
    span = LAST - FIRST
    begin = os.getpid() * 37 % span
    for step in range(span):
        port = FIRST + (begin + step) % span
        if port not in out and is_free(port):
            yield port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
