"""Who asks and does not read what is answered: how long that is borne, and whom it keeps out."""

import asyncio

import pytest

from gbike.kit.http import server
from tests.security.test_connections import Served, serving
from tests.waiting import soon

LARGE = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"


async def test_who_reads_nothing_while_other_answers_wait_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as served:
        monkeypatch.setattr(server, "UNREAD_S", 0.2)
        await served.connect(LARGE * 3)
        await served.there(1)
        await served.there(0)


async def test_who_reads_slowly_has_the_whole_answer() -> None:
    async with serving() as served:
        slow = await served.connect(LARGE * 2)
        for _ in range(4):
            connection = await _paused(served)
            before = connection.transport.get_write_buffer_size()
            await slow.readexactly(3_000_000)
            connection._has_read(before)  # as UNREAD_S later
        assert len(await asyncio.wait_for(slow.readexactly(28_000_000), 10)) == 28_000_000


async def test_who_reads_nothing_makes_room_for_who_comes_anew() -> None:
    async with serving() as served:
        await served.connect(LARGE * 3)
        await _paused(served)
        assert served.places.make_room(0)
        await served.there(0)


async def test_who_goes_before_the_answer_is_sent_is_no_error() -> None:
    transport = Gone()
    answers = server._WholeAnswers(transport)
    answers.write(b"HTTP/1.1 200 OK")
    transport.gone = True
    answers.close()


class Gone(asyncio.Transport):
    """As uvloop's: where the client has gone, a piece can't be written."""

    gone = False

    def is_closing(self) -> bool:
        return self.gone

    def write(self, data: object) -> None:
        assert not self.gone, "unable to perform operation: the handler is closed"

    def close(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


async def _paused(served: Served) -> server._Connection:
    """The connection whose answer waits for its client."""
    [connection] = await soon(lambda: [one for one in served.server.server_state.connections if _is_paused(one)])
    return connection


def _is_paused(connection: object) -> bool:
    return isinstance(connection, server._Connection) and connection.flow.write_paused
