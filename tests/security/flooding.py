"""What a stranger may send to either form, before the process or Envoy."""

import json
import socket
from contextlib import suppress
from urllib.parse import urlsplit

PIECE = b"x" * 65_536


def one_megabyte() -> bytes:
    """A request with a header of 1 MB."""
    return b"GET /health/live HTTP/1.1\r\nhost: x\r\nlarge: " + b"x" * 1_000_000 + b"\r\n\r\n"


def too_many_lines() -> bytes:
    """A request with 101 headers."""
    return b"GET /health/live HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(101)) + b"\r\n"


def connected(address: str) -> socket.socket:
    """A connection to where `address` leads."""
    to = urlsplit(address)
    return socket.create_connection((to.hostname, to.port), 20)


def sent(address: str, request: bytes) -> bytes:
    """What is answered until the other side closes."""
    answer = b""
    with connected(address) as one, suppress(ConnectionError):
        with suppress(ConnectionError):
            one.sendall(request)
        while part := one.recv(65_536):
            answer += part
    return answer


def endless_header(address: str, most: int = 50_000_000) -> int:
    """Sends a header without end until the other side has enough: how many bytes it took."""
    count = 0
    with connected(address) as one, suppress(ConnectionError):
        one.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\nendless: ")
        while count < most:
            one.sendall(PIECE)
            count += len(PIECE)
    return count


def problem_in(answer: bytes) -> tuple[int, str]:
    """Status and name of the problem document; fails when the answer is none."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer[:300]
    read = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    assert read["status"] == int(answer[9:12])
    return read["status"], read["type"].partition("#")[2]
