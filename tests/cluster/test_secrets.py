"""Keys and passwords of a secure cluster: whole or not there, and shown to nobody who does not know them already."""

import os
import shutil
import socket
import threading
from itertools import count
from pathlib import Path
from struct import pack
from typing import Any

import msgspec
import psycopg
import pytest

from gbike.run.cluster import engine, secrets
from gbike.run.cluster.logins import READER, Logins
from gbike.run.cluster.plan import Options, make_plan
from gbike.run.engines import postgres
from gbike.run.registry import spec
from tests.cluster.running import new_folder, why_no_cluster

NO_TLS, IN_CLEAR_TEXT = b"N", b"R" + pack(">2i", 8, 3)


class Killed(BaseException):
    """It ends here."""


def test_who_is_killed_while_keys_are_made_leaves_none_that_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for nth in count(1):
        left, opened = nth, os.fdopen

        def killed(file: int, *how: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.close(file)
                raise Killed
            return opened(file, *how, **named)  # noqa: B023 - it is the same

        data = tmp_path / str(nth)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdopen", killed)
            try:
                secrets.make(data, [spec("bike")], 0)
            except Killed:
                pass
            else:
                assert nth > 4
                return
        secrets.make(data, [spec("bike")], 0)
        made = [file for file in data.rglob("*") if file.is_file()]
        assert [file for file in made if not file.stat().st_size] == []
        assert {file.stat().st_mode & 0o777 for file in made} == {0o600}


@pytest.mark.parametrize("asks", [IN_CLEAR_TEXT, b"R" + pack(">2i", 8, 0)])
def test_who_took_the_servers_port_is_told_no_password_and_is_not_believed(tmp_path: Path, asks: bytes) -> None:
    """Another user may listen there while the server is down."""
    password = secrets.make_passwords(tmp_path, ["rent", READER])["rent"].encode()
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            client, _ = listener.accept()
            with client:
                client.settimeout(5)
                heard.append(client.recv(4096))
                if heard[0][4:8] == pack(">i", 80877103):
                    client.sendall(NO_TLS)
                    heard.append(client.recv(4096))
                client.sendall(asks)
                heard.append(client.recv(4096))

        stranger = threading.Thread(target=listen)
        stranger.start()
        url = Logins(tmp_path, ["rent"]).urls(listener.getsockname()[1])["rent"]
        with pytest.raises(psycopg.OperationalError, match=r"require_auth|authentication method"):
            psycopg.connect(url, connect_timeout=5)
        stranger.join()
    assert password not in b"".join(heard)
    assert heard[-1] == b""


def test_a_folder_that_was_moved_since_is_entered_with_its_own_passwords() -> None:
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    data = new_folder()
    try:
        data.mkdir()
        plan = make_plan(Options(data, port=0))
        postgres.prepare(data / engine.FOLDER)
        with engine.reached(plan, data):
            pass
        now = data.rename(data.with_name("elsewhere"))
        older = msgspec.structs.replace(plan, readers={})  # of a gbike that knew no logins, started on it since
        for known in (plan, older):
            with engine.reached(known, now) as there:
                for url in (there.stores["rent"], there.reading["rent"]):
                    with psycopg.connect(url) as connection:
                        assert connection.execute("SELECT current_database()").fetchone() == ("rent",)
    finally:
        shutil.rmtree(data.parent)
