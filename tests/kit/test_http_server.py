"""The process that answers HTTP: what a client sees of it when it dies."""

import asyncio
import socket

from starlette.types import Receive, Scope, Send

from gbike.kit.http.server import HttpServer, listen


async def test_a_process_that_dies_while_it_answers_leaves_no_half_answer() -> None:
    client = socket.socket()
    seen: list[bytes] = []

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        try:  # here a kill -9 would leave what is sent so far
            seen.append(client.recv(4096))
        except BlockingIOError:
            seen.append(b"")
        await send({"type": "http.response.body", "body": b"ride"})

    listener, server = listen("127.0.0.1", 0), HttpServer(answer)
    serving = asyncio.create_task(server.answer(listener))
    loop = asyncio.get_running_loop()
    client.setblocking(False)
    await loop.sock_connect(client, listener.getsockname())
    await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nhost: gbike\r\n\r\n")
    whole = await loop.sock_recv(client, 4096)
    assert seen == [b""]
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"\r\n\r\nride")
    client.close()
    server.should_exit = True
    await serving
