"""The route table as Envoy's routes: the services' paths and their aliases, the gateway's own pages, nothing else."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gbike.gateway.envoy.headers import header
from gbike.gateway.http import APP, Page, RouteTable
from gbike.gateway.settings import GatewaySettings
from gbike.gateway.settings import origins as listed
from gbike.kit.http.protection import PAGE_POLICY, POLICY
from gbike.kit.http.request import HAL_JSON

READS = "GET|HEAD"
RETRIES = 2
"""What met a dead process is tried this often again, elsewhere when there is an elsewhere."""
UNSEEN = "connect-failure,refused-stream,reset-before-request"
"""When nothing of a request was sent."""
SILENT_S = 60
"""A stream that says nothing for so long is over; each is to say something every 15 s."""
LOOKS = 10
"""How often a retry looks for a process that it has not asked yet: Envoy draws lots, so two processes need several."""
FILES = [{"name": "format", "string_match": {"exact": "csv"}}]
"""A list as a file goes on as a stream does: it is as long as the list."""
UPLOAD_S = 60
"""How long a service may take to read a file through that it was sent."""
PREFLIGHT_S = 600
"""How long a browser may keep the answer to a preflight."""
METHODS = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
OWN_METHODS = "GET, HEAD, OPTIONS"
BASE = "%REQ(X-FORWARDED-PROTO)%://%REQ(X-FORWARDED-HOST?:AUTHORITY)%"
"""The address the client used, as the services' own `Request.base` makes it."""
RATE_LIMIT = "envoy.filters.http.local_ratelimit"
BUFFER = "envoy.filters.http.buffer"
UNLIMITED = {RATE_LIMIT: {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}}
NEVER_HELD_UP = (
    ("PATCH|PUT", "/rents/[0-9]+", "authorization"),
    ("POST", "/rents/[0-9]+/(end|void)", "authorization"),
    ("POST", "/sessions/end", "content-type"),
)
"""Returns and sign-outs: whatever else comes from the same address, the service alone judges them, by their token. Each
with the header that it can't be without, so that what is none counts with everything else."""


def virtual_host(
    table: RouteTable, pages: Mapping[str, Page], settings: GatewaySettings, *, demo: bool
) -> dict[str, Any]:
    prefixes = {**{path: path for path in table.services}, **table.aliases}
    routes = [_preflight(settings, demo=demo), _home_for_people(), _home(table, demo=demo)]
    for prefix, path in prefixes.items():
        below = [one for one in sorted(table.streams) if one.startswith(f"{path}/")]
        routes += [_stream(prefix + one.removeprefix(path), one, table.services[path]) for one in below]
        files = [one for one in sorted(table.uploads) if one.startswith(f"{path}/")]
        routes += [_upload(prefix + one.removeprefix(path), one, table) for one in files]
        own = [one for one in NEVER_HELD_UP if one[1].startswith(path)]
        routes += _service(prefix, path, table.services[path], settings, own)
    routes += [_page(path, page) for path, page in pages.items()]
    for path in ("/", *pages):
        routes += _other_methods(path)
    routes.append({"match": {"prefix": "/"}, "direct_response": {"status": 404}})
    return {"name": "gbike", "domains": ["*"], "routes": routes}


def origins(settings: GatewaySettings, *, demo: bool) -> str:
    """Which origins of web pages may call, as a regular expression: in the demo all, else those in the settings."""
    return ".+" if demo else "|".join(map(re.escape, listed(settings))) or "nobody"


def _service(
    prefix: str, path: str, service: str, settings: GatewaySettings, never_held_up: Sequence[tuple[str, str, str]]
) -> list[dict[str, Any]]:
    """A prefix's routes: what has no limit here; a list as a file, which may take its time; reading, which may be tried
    again; and everything else, which is only when nobody can have seen it: a request that broke off may have been done.
    An answer is never tried again, whatever its status: a breaker's 503 says not now."""
    to: dict[str, Any] = {"cluster": service, "timeout": f"{settings.gateway_timeout_ms / 1000:g}s"}
    if prefix != path:
        to["prefix_rewrite"] = path
    again = {
        "num_retries": RETRIES,
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.1s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": LOOKS,
    }
    return [
        *(
            {
                "match": {
                    "safe_regex": {"regex": f"{at}/*"},
                    "headers": [_method(method), {"name": needed, "present_match": True}],
                },
                "route": {**to, "retry_policy": {**again, "retry_on": UNSEEN}},
                "typed_per_filter_config": UNLIMITED,
            }
            for method, at, needed in never_held_up
        ),
        {
            "match": {"path_separated_prefix": prefix, "headers": [_method("GET")], "query_parameters": FILES},
            "route": {
                **to,
                "timeout": "0s",
                "idle_timeout": f"{SILENT_S}s",
                "retry_policy": {**again, "retry_on": UNSEEN},
            },
        },
        {
            "match": {"path_separated_prefix": prefix, "headers": [_method(READS)]},
            "route": {**to, "retry_policy": {**again, "retry_on": f"{UNSEEN},reset"}},
        },
        {"match": {"path_separated_prefix": prefix}, "route": {**to, "retry_policy": {**again, "retry_on": UNSEEN}}},
    ]


def _stream(path: str, to: str, service: str) -> dict[str, Any]:
    """An answer that goes on: no time is too long for it, only silence. Envoy hands on each piece as it comes."""
    return {
        "match": {"path": path, "headers": [_method(READS)]},
        "route": {"cluster": service, "timeout": "0s", "idle_timeout": f"{SILENT_S}s", "prefix_rewrite": to},
    }


def _upload(path: str, to: str, table: RouteTable) -> dict[str, Any]:
    """A file that is sent: more bytes than any other request may have, and time to read it through."""
    service = next(service for prefix, service in table.services.items() if to.startswith(f"{prefix}/"))
    per_route = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
        "buffer": {"max_request_bytes": table.uploads[to]},
    }
    return {
        "match": {"path": path, "headers": [_method("POST")]},
        "route": {"cluster": service, "timeout": f"{UPLOAD_S}s", "prefix_rewrite": to},
        "typed_per_filter_config": {BUFFER: per_route},
    }


def _preflight(settings: GatewaySettings, *, demo: bool) -> dict[str, Any]:
    """What a browser asks before a page of another origin may call."""
    asked = [
        _method("OPTIONS"),
        {"name": "origin", "string_match": {"safe_regex": {"regex": origins(settings, demo=demo)}}},
        {"name": "access-control-request-method", "present_match": True},
    ]
    headers = [
        header("access-control-allow-methods", METHODS),
        header("access-control-allow-headers", "%REQ(ACCESS-CONTROL-REQUEST-HEADERS)%"),
        header("access-control-max-age", str(PREFLIGHT_S)),
        header("vary", "Access-Control-Request-Method, Access-Control-Request-Headers"),
    ]
    return {
        "match": {"prefix": "/", "headers": asked},
        "direct_response": {"status": 200},
        "response_headers_to_add": headers,
    }


def _home(table: RouteTable, *, demo: bool) -> dict[str, Any]:
    links = {path[1:]: {"href": BASE + path} for path in [*table.services, "/docs", "/health/ready"]}
    mode = {"mode": "demo"} if demo else {}
    body = {"json_format": {"name": "gbike", **mode, "_links": links}, "content_type": HAL_JSON}
    return {
        "match": {"path": "/", "headers": [_method(READS)]},
        "direct_response": {"status": 200, "body_format": body},
    }


def _home_for_people() -> dict[str, Any]:
    browser = {"name": "accept", "string_match": {"contains": "text/html"}}
    return {
        "match": {"path": "/", "headers": [_method(READS), browser]},
        "direct_response": {"status": 302},  # a redirect of Envoy's would name a host: whatever the client said
        "response_headers_to_add": [header("location", APP), header("vary", "Accept")],
    }


def _page(path: str, page: Page) -> dict[str, Any]:
    policy = PAGE_POLICY if page.media.startswith("text/html") else POLICY
    headers = {"content-type": page.media, "content-security-policy": policy, **page.headers}
    return {
        "match": {**_path(path), "headers": [_method(READS)]},
        "direct_response": {"status": 200, "body": {"inline_string": page.text}},
        "response_headers_to_add": [header(name, value) for name, value in headers.items()],
        "typed_per_filter_config": UNLIMITED,  # who watches the gateway must see it alive while it refuses a flood
    }


def _other_methods(path: str) -> list[dict[str, Any]]:
    allow = [header("allow", OWN_METHODS)]
    at = _path(path.rstrip("/"))
    return [
        {
            "match": {**at, "headers": [_method("OPTIONS")]},
            "direct_response": {"status": 200},
            "response_headers_to_add": allow,
        },
        {"match": at, "direct_response": {"status": 405}, "response_headers_to_add": allow},
    ]


def _path(path: str) -> dict[str, Any]:
    """As the services: a slash at the end makes no difference."""
    return {"safe_regex": {"regex": re.escape(path) + "/*"}}


def _method(regex: str) -> dict[str, Any]:
    return {"name": ":method", "string_match": {"safe_regex": {"regex": regex}}}
