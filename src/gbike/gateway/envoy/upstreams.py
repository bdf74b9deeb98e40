"""The services as Envoy sees them: a cluster each, with every process of the service as an endpoint."""

from collections.abc import Sequence
from typing import Any

import msgspec

CONNECT_S = 1
"""A process that does not accept a connection by then is not there."""
IDLE_S = 4
"""Kept connections are closed before the services do it, even ending ones (GBIKE_DRAIN_S): a POST must meet none."""
MOST_AT_ONCE = 1_024
"""Requests under way and waiting for one service; rent itself lets 288 wait. More are refused at once."""
MOST_RETRIES = 32
"""Retries under way for one service: a broken service is not buried under them."""
EJECTED_S, EJECTED_AT_MOST_S = 2, 10
"""How long a process that did not answer is left out: ready again within ten seconds of its recovery."""


class Address(msgspec.Struct, frozen=True):
    """Where one process of a service is."""

    host: str
    port: int


def socket_address(address: Address) -> dict[str, Any]:
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def cluster(name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    """A service: where its processes are, how much may be under way, and when one of them is left out."""
    endpoints = [{"endpoint": {"address": socket_address(address)}} for address in addresses]
    return {
        "name": name,
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": f"{CONNECT_S}s",
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": f"{IDLE_S}s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": MOST_AT_ONCE,
                    "max_pending_requests": MOST_AT_ONCE,
                    "max_requests": MOST_AT_ONCE,
                    "max_retries": MOST_RETRIES,
                }
            ]
        },
        "outlier_detection": _outliers(),
    }


def _outliers() -> dict[str, Any]:
    """Only a process that can't be reached or breaks off is left out. Its 503s are honest answers (the breaker's, or a
    store that is away): leaving it out for them would turn a refusal of one thing into the loss of everything. And
    never more than half of the processes: with one, trying it is always better than refusing unseen."""
    return {
        "split_external_local_origin_errors": True,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "consecutive_local_origin_failure": 5,
        "enforcing_consecutive_local_origin_failure": 100,
        "interval": "1s",
        "base_ejection_time": f"{EJECTED_S}s",
        "max_ejection_time": f"{EJECTED_AT_MOST_S}s",
        "max_ejection_percent": 50,
    }
