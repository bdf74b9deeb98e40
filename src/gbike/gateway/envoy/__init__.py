"""Envoy's configuration, made from the route table: the gateway of the distributed form. It only computes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gbike.gateway.envoy.edge import listener
from gbike.gateway.envoy.refusals import PROBLEMS
from gbike.gateway.envoy.routes import virtual_host
from gbike.gateway.envoy.upstreams import Address, cluster, socket_address
from gbike.gateway.http import Page, RouteTable
from gbike.gateway.settings import GatewaySettings

__all__ = ["PROBLEMS", "Address", "ListenAddress", "config"]

OPERATORS_MAY = ("/ready", "/stats", "/clusters", "/server_info", "/listeners", "/memory", "/healthcheck/fail")
"""What the admin port answers: looking, and leaving in order. By default it would stop Envoy and show its memory."""


class ListenAddress(msgspec.Struct, frozen=True):
    """Where the gateway listens, and whether it is the open one of the demo."""

    host: str = "127.0.0.1"
    port: int = 8088
    admin_port: int = 9901
    demo: bool = False
    files: int = 1 << 20
    """How many it may have open: half of them are for clients, the others for the ways to the services. Were it to run
    out of them, it would leave whoever comes to wait, and be late to notice that others went."""


def config(
    table: RouteTable,
    upstreams: Mapping[str, Sequence[Address]],
    pages: Mapping[str, Page],
    address: ListenAddress,
    settings: GatewaySettings,
) -> dict[str, Any]:
    """The configuration of an Envoy that does what `gateway/http.py` does in one process, over a network.

    `upstreams`: where each service's processes are. `pages`: what the gateway answers itself, by path.
    """
    names = sorted(set(table.services.values()))
    at = Address(address.host, address.port)
    host = virtual_host(table, pages, settings, demo=address.demo)
    return {
        "node": {"id": "gateway", "cluster": "gbike"},
        "admin": {
            "address": socket_address(Address("127.0.0.1", address.admin_port)),
            "allow_paths": [{"prefix": path} for path in OPERATORS_MAY],
        },
        "static_resources": {
            "listeners": [listener(host, at, table.uploads, settings, demo=address.demo)],
            "clusters": [cluster(name, upstreams[name]) for name in names],
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors."
                        "downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": min(settings.gateway_connections, address.files // 2),
                    },
                }
            ]
        },
    }
