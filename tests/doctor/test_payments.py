"""Payments that cost nothing, where riders sign in."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gbike.cli.doctor import running
from gbike.run.folder.data_folder import DataFolder
from tests.doctor.test_doctor import rules


@pytest.fixture
def process() -> Iterator[str]:
    """One that describes the test provider's button."""

    class Describes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.end_headers()
            if self.path == "/openapi.json":
                self.wfile.write(b'{"paths":{"/userDeposits/{userid}/payments/{paymentid}/testPayment":{}}}')

    server = HTTPServer(("127.0.0.1", 0), Describes)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_payments_with_nothing_are_told_where_riders_sign_in(tmp_path: Path, process: str) -> None:
    folder, testing = DataFolder(tmp_path), {"GBIKE_STORE_URL": "sqlite:///away", "GBIKE_PAYMENT_PROVIDER": "test"}
    assert rules(running.test_payments(folder, testing, [])) == ["test-payments"]
    assert rules(running.test_payments(folder, testing | {"GBIKE_DEMO": "1"}, [process])) == [], (
        "nobody pays in the demo"
    )
    testing["GBIKE_PAYMENT_PROVIDER"] = ""
    assert rules(running.test_payments(folder, testing, ["", "http://127.0.0.1:1"])) == []
    [running_one] = running.test_payments(folder, testing, [f"{process},http://127.0.0.1:1"])
    assert running_one.what.startswith(process)
