"""`/internal` over mutual TLS, on a real `gbike serve bike`: who has no right certificate does not get there."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gbike.kit.auth.certificates import Certificates, certificates, services_named
from gbike.kit.auth.services import read_private, service_token
from gbike.kit.calls.peers import PeerUnreachable
from gbike.kit.calls.remote import HttpCaller
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.http.server import HttpServer, listen
from gbike.kit.settings import BadSetting
from gbike.run.cluster.authority import Authority
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.serve import CannotServe, run_service
from tests.cluster.running import Served, ask, until

NOBODY = "127.0.0.1:1"
NOW_MS = SystemClock().now_ms()
OURS, STRANGERS = Authority(NOW_MS), Authority(NOW_MS)
RESERVE = "/internal/bikes/7/reservations/1"


def files(folder: Path, name: str, by: Authority = OURS, lasts: timedelta = timedelta(days=1)) -> dict[str, str]:
    """A certificate in a folder, as settings."""
    folder.mkdir(exist_ok=True)
    cert, key = by.issue(name, lasts)
    found = {"GBIKE_TLS_CERT_FILE": cert, "GBIKE_TLS_KEY_FILE": key, "GBIKE_TLS_CA_FILE": OURS.pem}
    for setting, content in found.items():
        (folder / setting).write_bytes(content)
    return {setting: str(folder / setting) for setting in found}


def known(folder: Path, name: str, by: Authority = OURS, lasts: timedelta = timedelta(days=1)) -> Certificates:
    """The same, read."""
    found = certificates(files(folder, name, by, lasts))
    assert found is not None
    return found[0]


class Bike:
    """The process, and what services need to ask it."""

    def __init__(self, folder: Path) -> None:
        ports, keys = free_ports(), folder / "callers"
        self.port, self.tls_port = next(ports), next(ports)
        keys.mkdir()
        for name in ("rent", "bike_manage_app"):
            _openssl(folder / f"{name}.pem", keys / f"{name}.pub")
        self.folder = folder
        env = {
            "GBIKE_DEMO": "0", "GBIKE_STORE_URL": f"sqlite:///{folder / 'bike.sqlite'}", "GBIKE_KAFKA": NOBODY,
            "GBIKE_SERVICE_KEYS": str(keys), "GBIKE_TLS_PORT": str(self.tls_port),
            "GBIKE_PEER_ACCOUNT_URL": f"https://{NOBODY}", **files(folder / "bike", "bike"),
        }  # fmt: skip
        self.served = Served(folder, "bike", self.port, env)
        self.url = f"https://127.0.0.1:{self.tls_port}"

    def token(self, name: str) -> dict[str, str]:
        """What service `name` shows."""
        key = read_private(str(self.folder / f"{name}.pem"))
        signed = service_token(key, name, "bike", int(time.time()), SystemIds())  # noqa: TID251 - the machine's
        return {"authorization": f"Bearer {signed}"}

    def ask(self, context: ssl.SSLContext, headers: dict[str, str], method: str = "PUT", path: str = RESERVE) -> Any:
        """Status and problem of one request over TLS. Raises OSError where TLS or the connection is refused."""
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        answer = b""
        with (
            socket.create_connection(("127.0.0.1", self.tls_port), 5) as plain,
            context.wrap_socket(plain, server_hostname="bike") as wire,
            suppress(BrokenPipeError),  # bike hung up before it was asked
        ):
            wire.sendall(f"{method} {path} HTTP/1.1\r\nhost: bike\r\nconnection: close\r\n{head}\r\n".encode())
            answer = b"".join(iter(lambda: wire.recv(65_536), b""))
        if not answer:
            raise ConnectionError("closed without an answer")
        start, _, body = answer.partition(b"\r\n\r\n")
        return int(start.split()[1]), json.loads(body).get("type", "").partition("#")[2]


def _openssl(private: Path, public: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from gbike.kit.auth.services import new_pem

    private.write_bytes(new_pem())
    key = read_private(str(private)).public_key()
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture(scope="module")
def bike(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bike]:
    """bike, as a process with certificates."""
    found = Bike(tmp_path_factory.mktemp("bike"))
    with found.served:
        until(lambda: found.served.status("/health/ready") == 200, what="bike is not ready")
        yield found


def test_the_right_service_with_its_token_is_answered(bike: Bike, tmp_path: Path) -> None:
    found = bike.ask(known(tmp_path, "rent").to_ask(), bike.token("rent"))
    assert found == (404, "bike-unknown")
    report = "/internal/bikes/7/reports/1"
    other = known(tmp_path / "other", "bike-manage-app").to_ask()
    assert bike.ask(other, bike.token("bike_manage_app"), path=report)[0] == 400  # it came in, without a body


def test_without_a_certificate_nothing_is_answered(bike: Bike) -> None:
    nameless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nameless.load_verify_locations(cadata=OURS.pem.decode())
    with pytest.raises(OSError, match=r"CERTIFICATE_REQUIRED|closed|reset"):
        bike.ask(nameless, bike.token("rent"))


def test_a_certificate_of_another_authority_is_refused(bike: Bike, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"UNKNOWN_CA|closed|reset"):
        bike.ask(known(tmp_path, "rent", STRANGERS).to_ask(), bike.token("rent"))


def test_a_certificate_that_has_expired_is_refused(bike: Bike, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"CERTIFICATE_EXPIRED|closed|reset"):
        bike.ask(known(tmp_path, "rent", lasts=timedelta(seconds=-1)).to_ask(), bike.token("rent"))


@pytest.mark.parametrize("name", ["billing", "bike-manage-app", "bike", "rent.evil.example", "*"])
def test_a_certificate_of_a_service_that_may_not_is_refused_whatever_its_token(
    bike: Bike, tmp_path: Path, name: str
) -> None:
    assert bike.ask(known(tmp_path, name).to_ask(), bike.token("rent")) == (403, "forbidden")


def test_a_certificate_alone_is_not_enough(bike: Bike, tmp_path: Path) -> None:
    context = known(tmp_path, "rent").to_ask()
    assert bike.ask(context, {}) == (401, "unauthenticated")
    assert bike.ask(context, bike.token("bike_manage_app")) == (403, "forbidden")


def test_older_tls_and_plain_http_are_not_spoken_there(bike: Bike, tmp_path: Path) -> None:
    old = known(tmp_path, "rent").to_ask()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match=r"PROTOCOL_VERSION|EOF|closed|reset"):
        bike.ask(old, bike.token("rent"))
    assert ask("PUT", f"http://127.0.0.1:{bike.tls_port}{RESERVE}", headers=bike.token("rent")) is None


@pytest.mark.parametrize("path", [RESERVE, RESERVE + "/", "/%69nternal/bikes/7/reservations/1", "//internal/bikes/7"])
@pytest.mark.parametrize("method", ["PUT", "GET", "OPTIONS"])
def test_on_the_plain_port_there_is_nothing_of_it(bike: Bike, method: str, path: str) -> None:
    answer = ask(method, bike.served.url + path, headers=bike.token("rent"))
    assert answer is not None
    assert answer.status == (403 if method == "PUT" else 404)  # who writes where nothing is must have signed in
    assert "allow" not in answer.headers


def test_probes_stay_on_the_plain_port_and_only_there(bike: Bike, tmp_path: Path) -> None:
    assert bike.served.status("/health/live") == 200
    context = known(tmp_path, "rent").to_ask()
    for path in ("/health/live", "/bikes", "/metrics", "/docs"):
        assert bike.ask(context, bike.token("rent"), "GET", path) == (404, "not-found")


def test_new_certificates_count_without_a_restart(bike: Bike, tmp_path: Path) -> None:
    renewed = Authority(NOW_MS)
    mine = files(tmp_path, "rent")
    caller = certificates(mine)
    assert caller is not None
    try:
        _put(bike.folder / "bike", renewed, "bike")
        with pytest.raises(ssl.SSLError, match=r"self-signed|unable to get|VERIFY_FAILED"):
            bike.ask(caller[0].to_ask(), bike.token("rent"))  # we still believe the authority of before
        _put(tmp_path, renewed, "rent")
        assert bike.ask(caller[0].to_ask(), bike.token("rent"), path="/internal/bikes/7/reservations/2")[0] == 404
        of_before = known(tmp_path / "before", "rent")
        (tmp_path / "before" / "GBIKE_TLS_CA_FILE").write_bytes(renewed.pem)
        with pytest.raises(OSError, match=r"UNKNOWN_CA|closed|reset"):
            bike.ask(of_before.to_ask(), bike.token("rent"))
    finally:
        _put(bike.folder / "bike", OURS, "bike")


def _put(folder: Path, by: Authority, name: str) -> None:
    """New files in place of the old ones, as Kubernetes swaps a Secret."""
    cert, key = by.issue(name)
    for setting, content in (("CERT", cert), ("KEY", key), ("CA", by.pem)):
        new = folder / "new"
        new.write_bytes(content)
        new.replace(folder / f"GBIKE_TLS_{setting}_FILE")


def test_files_that_do_not_fit_each_other_yet_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caller = known(tmp_path, "rent")
    before = caller.to_ask()
    cert, key = OURS.issue("rent")
    (tmp_path / "GBIKE_TLS_CERT_FILE").write_bytes(cert)
    assert caller.to_ask() is before
    (tmp_path / "GBIKE_TLS_KEY_FILE").unlink()
    assert [caller.to_ask() for _ in range(3)] == [before] * 3
    assert capsys.readouterr().out.count("can't be used") == 2  # once for each change, not for each call
    (tmp_path / "GBIKE_TLS_KEY_FILE").write_bytes(key)
    assert caller.to_ask() is not before


async def test_a_caller_shows_its_certificate_and_wants_its_peers(tmp_path: Path) -> None:
    seen: list[frozenset[str]] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.extend(scope["state"].values())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    server = HttpServer(app)
    outside = listen("127.0.0.1", 0)
    inside = listen("127.0.0.1", 0)
    url = f"https://127.0.0.1:{inside.getsockname()[1]}"
    server.let_in(inside, app, known(tmp_path / "bike", "bike").to_answer())
    serving = asyncio.create_task(server.answer(outside))
    rent = known(tmp_path / "rent", "rent")
    callers = [HttpCaller(url, name, rent.to_ask) for name in ("bike", "billing")]
    callers.append(HttpCaller(url, "bike", known(tmp_path / "old", "rent", lasts=timedelta(seconds=-1)).to_ask))
    try:
        assert (await callers[0].call("PUT", RESERVE, b"", {})).status == 200
        with pytest.raises(PeerUnreachable, match="billing"):
            await callers[1].call("PUT", RESERVE, b"", {})
        with pytest.raises(PeerUnreachable):
            await callers[2].call("PUT", RESERVE, b"", {})
    finally:
        for caller in callers:
            await caller.close()
        server.should_exit = True
        await serving
    assert seen == [{"rent"}]


def test_names_are_whole_names(tmp_path: Path) -> None:
    named = {"subjectAltName": (("DNS", "bike-manage-app"), ("URI", "spiffe://gbike/rent"), ("IP Address", "rent"))}
    assert services_named(named) == {"bike_manage_app"}
    assert services_named(None) == services_named({}) == frozenset()


def test_settings_that_do_not_fit_stop_the_start(tmp_path: Path) -> None:
    env = files(tmp_path, "bike")
    with pytest.raises(BadSetting, match="all three, or none"):
        certificates({**env, "GBIKE_TLS_CA_FILE": ""})
    with pytest.raises(BadSetting, match="GBIKE_TLS_KEY_FILE"):
        certificates({**env, "GBIKE_TLS_KEY_FILE": env["GBIKE_TLS_CA_FILE"]})
    assert certificates({}) is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"GBIKE_PEER_ACCOUNT_URL": "http://account"}, "GBIKE_PEER_ACCOUNT_URL='http://account': with"),
        ({"GBIKE_DEMO": "1"}, "GBIKE_TLS_CERT_FILE is set with GBIKE_DEMO=1"),
        ({"GBIKE_TLS_CA_FILE": "/nowhere"}, "No such file"),
    ],
)
def test_a_service_says_what_is_wrong_with_them(tmp_path: Path, wrong: dict[str, str], told: str) -> None:
    store = {"GBIKE_STORE_URL": f"sqlite:///{tmp_path / 'bike.sqlite'}", "GBIKE_KAFKA": NOBODY}
    peers = {"GBIKE_PEER_ACCOUNT_URL": "https://account:8443"}
    env = {**store, **peers, **files(tmp_path, "bike"), "GBIKE_SETTINGS_DIR": str(tmp_path), **wrong}
    with pytest.raises((CannotServe, BadSetting), match=told):
        run_service("bike", "127.0.0.1", 0, env)
