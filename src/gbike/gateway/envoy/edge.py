"""The edge: what is asked of every request before it is routed, and what is written down about it afterwards."""

from collections.abc import Mapping
from typing import Any

from gbike.gateway.envoy.headers import FILTERS, TYPE, header_filters
from gbike.gateway.envoy.refusals import local_replies
from gbike.gateway.envoy.routes import BUFFER, RATE_LIMIT, origins
from gbike.gateway.envoy.upstreams import Address, socket_address
from gbike.gateway.settings import GatewaySettings, cidrs
from gbike.kit.auth.addresses import V6_PREFIX
from gbike.kit.http.request import MAX_BODY

HEADERS_KB, HEADERS = 32, 100
"""All headers of a request together, and how many."""
HEADERS_S = 10
REQUEST_S = IDLE_S = 15
"""A client sends its headers and its whole request in this time, and may keep a connection idle so long, also one that
has asked nothing yet: Envoy can't bound the connections of one client, so nobody may hold them long and be silent."""
MOST_CLIENTS = 20_000
"""Clients whose pace is known at once. The one that has not asked for longest is forgotten first."""
CLIENT = {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": V6_PREFIX}}
"""What counts as one client: see `client_prefix`."""
PAGE_BYTES = 4 * 1024 * 1024
"""The largest page of the gateway's own, the description of the whole API."""


def listener(
    virtual_host: dict[str, Any], at: Address, uploads: Mapping[str, int], settings: GatewaySettings, *, demo: bool
) -> dict[str, Any]:
    manager = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "edge",
            **_identity(settings),
            **_limits(),
            "route_config": {
                "name": "gbike",
                "virtual_hosts": [virtual_host],
                "max_direct_response_body_size_bytes": PAGE_BYTES,
            },
            "http_filters": _filters(settings, demo=demo),
            "local_reply_config": local_replies(uploads, demo=demo),
            "access_log": [_access_log()],
        },
    }
    return {
        "name": "edge",
        "address": socket_address(at),
        "per_connection_buffer_limit_bytes": MAX_BODY,
        "filter_chains": [{"filters": [manager]}],
    }


def _identity(settings: GatewaySettings) -> dict[str, Any]:
    """Who asks, for what, under which name: addresses and paths are made plain before anything is decided on them, and
    nobody is an insider, so that no header of a client changes how often or how long Envoy tries."""
    return {
        **_client(settings),
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "request_id_extension": {
            "typed_config": {
                "@type": TYPE + "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                "pack_trace_reason": False,
            }
        },
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    }


def _client(settings: GatewaySettings) -> dict[str, Any]:
    """Whose address counts: the last one in X-Forwarded-For that is no proxy of ours, as the services have it; or,
    where only their number is known, the one that so many of them passed on. Nobody else's word."""
    proxies = cidrs(settings)
    if not proxies:
        return {"use_remote_address": True, "xff_num_trusted_hops": settings.gateway_trusted_proxies}
    typed = {
        "@type": TYPE + "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig",
        "xff_trusted_cidrs": {"cidrs": proxies},
        "skip_xff_append": True,  # it would name this machine for a proxy on it: PEER does it
    }
    return {
        "use_remote_address": False,
        "original_ip_detection_extensions": [{"name": "envoy.http.original_ip_detection.xff", "typed_config": typed}],
    }


def _limits() -> dict[str, Any]:
    return {
        "max_request_headers_kb": HEADERS_KB,
        "common_http_protocol_options": {"max_headers_count": HEADERS, "idle_timeout": f"{IDLE_S}s"},
        "request_headers_timeout": f"{HEADERS_S}s",
        "request_timeout": f"{REQUEST_S}s",
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "localhost"},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1_048_576,
        },
    }


def _filters(settings: GatewaySettings, *, demo: bool) -> list[dict[str, Any]]:
    believed = cidrs(settings) or settings.gateway_trusted_proxies > 0
    filters = header_filters(origins(settings, demo=demo), believed=believed, demo=demo)
    if settings.gateway_requests_per_s and not demo:
        filters.append(_rate_limit(settings.gateway_requests_per_s))
    buffer = {"@type": FILTERS + "buffer.v3.Buffer", "max_request_bytes": MAX_BODY}
    router = {"@type": FILTERS + "router.v3.Router", "suppress_envoy_headers": True}
    filters.append({"name": BUFFER, "typed_config": buffer})
    filters.append({"name": "envoy.filters.http.router", "typed_config": router})
    return filters


def _rate_limit(per_s: int) -> dict[str, Any]:
    """A bucket for each client: a stranger who empties his own takes nobody else off."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {"max_tokens": 2 * per_s, "tokens_per_fill": per_s, "fill_interval": "1s"}
    typed = {
        "@type": FILTERS + "local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "edge",
        "token_bucket": bucket,
        "rate_limits": [{"actions": [CLIENT]}],
        "descriptors": [{"entries": [{"key": "masked_remote_address"}], "token_bucket": bucket}],
        "always_consume_default_token_bucket": False,
        "max_dynamic_descriptors": MOST_CLIENTS,
        "filter_enabled": always,
        "filter_enforced": always,
    }
    return {"name": RATE_LIMIT, "typed_config": typed}


def _access_log() -> dict[str, Any]:
    """A line of JSON per request on standard output, with nothing that tells who asked: no address, no query."""
    line = {
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ:PATH):200%",
        "status": "%RESPONSE_CODE%",
        "duration_ms": "%DURATION%",
        "correlation_id": "%REQ(X-REQUEST-ID):128%",
        "service": "%UPSTREAM_CLUSTER%",
        "upstream": "%UPSTREAM_HOST%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "flags": "%RESPONSE_FLAGS%",
        "why": "%RESPONSE_CODE_DETAILS%",
    }
    typed = {
        "@type": TYPE + "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"json_format": line},
    }
    return {"name": "envoy.access_loggers.stdout", "typed_config": typed}
