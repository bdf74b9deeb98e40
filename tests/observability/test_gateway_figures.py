"""What the dashboards and docs/operate/slo.md ask of Envoy is what Envoy tells, its own answers included."""

from pathlib import Path

import pytest

from dev.tcp_ports import free_port
from gbike.run import gateway
from gbike.run.engines import CannotRun
from gbike.run.engines.envoy import binary
from tests.cluster.running import until
from tests.gateway.servers import Envoy

FAILED = 'envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="rent"} 1'
"""A 5xx for rent; the counts of Envoy's threads come together some moments later."""


def test_what_could_not_be_brought_to_a_service_is_its_failure(tmp_path: Path) -> None:
    try:
        binary()
    except CannotRun as missing:
        pytest.skip(str(missing))
    env = {"GBIKE_PEER_RENT_URL": f"http://127.0.0.1:{free_port()}"}
    envoy = Envoy(tmp_path, lambda place: gateway.configuration(place, env), demo=True)
    try:
        assert envoy.ask("PATCH", "/rents/1", {"endlocation": "there"}).status == 503
        until(
            lambda: FAILED in envoy.operators("/stats/prometheus").splitlines(), what="Envoy does not count its own 503"
        )
    finally:
        envoy.stop()
