"""A line between a browser and a gbike that can go silent, as a phone's does: connected, and no data comes."""

import socket
import threading
from contextlib import suppress
from typing import Self

from tests.pages.browser import Address

PIECE = 65_536


class Line:
    """Hands on what both sides send. While it is silent it accepts, and holds back all of it."""

    def __init__(self, to: Address) -> None:
        host, port = to.url.removeprefix("http://").split(":")
        self._to = (host, int(port))
        self._listens = socket.create_server(("127.0.0.1", 0))
        self._speaks = threading.Event()
        self._speaks.set()
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listens.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def be_silent(self) -> None:
        """From now on, on connections that are open too."""
        self._speaks.clear()

    def speak(self) -> None:
        """Again, beginning with what was held back."""
        self._speaks.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._speaks.set()
        for one in [self._listens, *self._open]:
            with suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listens.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._hand_on, args=(one, other), daemon=True).start()

    def _hand_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(PIECE):
                self._speaks.wait()
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)
