"""A real Prometheus on a real gbike: the rules load, every panel shows something, and nothing fires."""

import json
import os
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from gbike.run.cluster.tcp_ports import free_ports
from tests.cluster.running import ask, until
from tests.observability.test_rules import HERE, panels

pytestmark = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a Prometheus server: GBIKE_FULL=1")
ELSEWHERE = ("envoy_", "ALERTS", "gbike:late_share", "gbike:error_share")
"""What there is only behind Envoy, while something is wrong, or when the rules' longer windows have filled."""
RIDES = 5


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """A gbike whose rides settle."""
    port = next(free_ports())
    command = [sys.executable, "-m", "gbike", "demo", "--port", str(port), "--data", str(tmp_path / "data")]
    with running(command, tmp_path / "demo.log"):
        url = f"http://127.0.0.1:{port}"
        until(lambda: (got := ask("GET", f"{url}/health/ready")) and got.status == 200)
        yield url


class running:
    """A program, until the context ends."""

    def __init__(self, command: list[str], log: Path) -> None:
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def configuration(folder: Path, url: str) -> Path:
    """Ours, with one target and a scrape every second."""
    told = yaml.safe_load((HERE / "prometheus.yml").read_text("utf-8"))
    told["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [job] = [one for one in told["scrape_configs"] if one["job_name"] == "gbike"]
    job["static_configs"] = [{"targets": [url.removeprefix("http://")]}]
    told |= {"scrape_configs": [job], "rule_files": [str(HERE / "rules.yml")]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(told), "utf-8")
    return folder / "prometheus.yml"


def ride(url: str, number: int) -> None:
    rented = ask("POST", f"{url}/rents", {"userid": number, "bikeid": number})
    assert rented is not None
    assert rented.status == 201, rented
    assert (back := ask("PATCH", f"{url}/rents/{rented.json['rentid']}", {"endlocation": "there"})) is not None
    assert back.status == 200, back


def query(prometheus: str, promql: str) -> list[Any]:
    got = ask("GET", f"{prometheus}/api/v1/query?query={urllib.parse.quote(promql)}")
    assert got is not None
    assert got.json["status"] == "success", got
    found: list[Any] = got.json["data"]["result"]
    return found


def empty_panels(prometheus: str) -> list[tuple[str, str]]:
    """The panels that show nothing, of those that could."""
    asked = [(whose, promql) for whose, promql in panels() if not any(name in promql for name in ELSEWHERE)]
    return [one for one in asked if not query(prometheus, one[1].replace("$__rate_interval", "1m"))]


def test_every_panel_shows_something_and_no_alert_fires(demo: str, tmp_path: Path) -> None:
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is missing: apt-get install prometheus")
    port = next(free_ports())
    url = f"http://127.0.0.1:{port}"
    config = configuration(tmp_path, demo)
    storage, address = tmp_path / "tsdb", f"127.0.0.1:{port}"
    flags = [f"--config.file={config}", f"--storage.tsdb.path={storage}", f"--web.listen-address={address}"]
    with running([binary, *flags], tmp_path / "prometheus.log"):
        until(lambda: (got := ask("GET", f"{url}/-/ready")) and got.status == 200)
        until(lambda: query(url, "gbike_ledger_drift_krw"))
        for number in range(1001, 1001 + RIDES):
            ride(demo, number)
        assert ask("POST", f"{demo}/rents", {"userid": 1, "bikeid": 999_999})  # a refusal, for its panel
        assert ask("POST", f"{demo}/userDeposits", {"userid": 1001, "deposit": 1})
        until(lambda: query(url, f"gbike_settlement_seconds_count == {RIDES}"))
        until(lambda: query(url, "gbike:reservations_without_rent == 0"), within_s=60)
        with suppress(AssertionError):  # rates need a second look
            until(lambda: not empty_panels(url), within_s=60)
        assert empty_panels(url) == []
        # A start may look like a lag once; a minute later nothing is wrong any more, and nothing was ever told.
        until(lambda: query(url, 'ALERTS{alertname=~"Gbike.*"}') == [], within_s=150)
        assert query(url, 'count_over_time(ALERTS{alertstate="firing"}[1h])') == []
        rules = ask("GET", f"{url}/api/v1/rules")
        assert rules is not None
        health = {rule["health"] for group in rules.json["data"]["groups"] for rule in group["rules"]}
        assert health <= {"ok", "unknown"}, json.dumps(rules.json)
