"""What the gateway does to headers, as filters: its own marks, the request's id, and pages of other origins."""

from collections.abc import Sequence
from typing import Any

from gbike.kit.calls.peers import DEADLINE_HEADER
from gbike.kit.http.protection import protecting

TYPE = "type.googleapis.com/"
FILTERS = TYPE + "envoy.extensions.filters.http."
SAYS_HTTPS = r"(?i)\s*https\s*(,.*)?"
"""The first of several proxies speaks of the client, as `Request.scheme` has it."""
SANE_REQUEST_ID = "[A-Za-z0-9._:/+=@-]{1,128}"
"""As kit/telemetry/__init__.py takes it over."""


def header(name: str, value: str, how: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> dict[str, Any]:
    """A header to add; unless told otherwise, in the place of one of that name."""
    return {"header": {"key": name, "value": value}, "append_action": how}


MODE = header("x-gbike-mode", "demo")
"""Demo mode says so in every answer."""
OPEN = (
    header("access-control-allow-origin", "%REQ(ORIGIN)%"),
    header("access-control-expose-headers", "Location, Retry-After, X-Request-Id, Idempotent-Replayed"),
    header("vary", "Origin", "APPEND_IF_EXISTS_OR_ADD"),
)
"""What a page of another origin is told, as `open_to_all` does. Envoy's own CORS filter leaves out what Envoy answers
by itself, and can't allow just the headers that were asked for."""

PEER = header("x-forwarded-for", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", "APPEND_IF_EXISTS_OR_ADD")
"""Who is at the other end of the connection."""
INSIDE = (DEADLINE_HEADER,)
"""What only services tell each other."""
CREDENTIALS = header("access-control-allow-credentials", "true")
"""As the original, in the demo only: elsewhere there are tokens, and no cookie that a page could misuse."""
PROTECTING = tuple(header(name.decode(), value.decode(), "ADD_IF_ABSENT") for name, value in protecting())
"""What Envoy answers by itself is protected as what the services answer."""


def header_filters(origins: str, *, believed: Sequence[dict[str, Any]] | bool, demo: bool) -> list[dict[str, Any]]:
    """`origins`: a regular expression for those whose pages may call. `believed`: the networks of the proxies in front
    of us that say which address the client used, or whether whoever asks is one; nobody else is believed about that."""
    made, shared = header("x-request-id", "%UNIQUE_ID%"), (*OPEN, CREDENTIALS) if demo else OPEN
    answered = header("x-request-id", "%REQ(X-REQUEST-ID)%", "ADD_IF_ABSENT")
    return [
        _changes([{"remove": name} for name in INSIDE], [{"append": MODE}] if demo else []),
        *_as_the_client_asked(believed),
        _only_if("x-request-id", SANE_REQUEST_ID, False, _changes([{"append": made}])),
        _changes(response=[{"append": one} for one in (answered, *PROTECTING)]),
        _only_if("origin", origins, True, _changes(response=[{"append": one} for one in shared])),
    ]


def _as_the_client_asked(believed: Sequence[dict[str, Any]] | bool) -> list[dict[str, Any]]:
    """The address that the client used is what known proxies say, in one word each: several of them may have spoken.
    Envoy itself overwrites what nobody is to say, but where it is told the proxies' addresses."""
    unsaid = _changes([{"remove": "x-forwarded-host"}])
    if not believed:
        return [unsaid]
    https, http = (_changes([{"append": header("x-forwarded-proto", scheme)}]) for scheme in ("https", "http"))
    plain = [_only_if("x-forwarded-proto", SAYS_HTTPS, fits, one) for fits, one in ((True, https), (False, http))]
    if believed is True:
        return plain
    strange = _changes([{"remove": "x-forwarded-host"}, {"append": header("x-forwarded-proto", "http")}])
    return [_unless_from(believed, strange), *plain, _changes([{"append": PEER}])]


def _changes(request: Sequence[dict[str, Any]] = (), response: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    mutations = {"request_mutations": list(request), "response_mutations": list(response)}
    typed = {"@type": FILTERS + "header_mutation.v3.HeaderMutation", "mutations": mutations}
    return {"name": "envoy.filters.http.header_mutation", "typed_config": typed}


def _only_if(name: str, regex: str, fits: bool, filter: dict[str, Any]) -> dict[str, Any]:
    """A filter only for the requests whose header fits, or does not fit, a regular expression."""
    given = {"@type": TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": name}
    match = {"safe_regex": {"google_re2": {}, "regex": regex}}
    fitting = {"single_predicate": {"input": {"name": name, "typed_config": given}, "value_match": match}}
    return _unless({"not_matcher": fitting} if fits else fitting, filter)


def _unless_from(networks: Sequence[dict[str, Any]], filter: dict[str, Any]) -> dict[str, Any]:
    """A filter only for who is connected from somewhere else."""
    given = {"@type": TYPE + "envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput"}
    match = {
        "@type": TYPE + "envoy.extensions.matching.input_matchers.ip.v3.Ip",
        "cidr_ranges": list(networks),
        "stat_prefix": "proxies",
    }
    fitting = {
        "input": {"name": "peer", "typed_config": given},
        "custom_match": {"name": "envoy.matching.matchers.ip", "typed_config": match},
    }
    return _unless({"single_predicate": fitting}, filter)


def _unless(fitting: dict[str, Any], filter: dict[str, Any]) -> dict[str, Any]:
    """A filter for the requests that do not fit."""
    skip = {"@type": TYPE + "envoy.extensions.filters.common.matcher.action.v3.SkipFilter"}
    skipped = {"predicate": fitting, "on_match": {"action": {"name": "skip", "typed_config": skip}}}
    typed = {
        "@type": TYPE + "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
        "extension_config": filter,
        "xds_matcher": {"matcher_list": {"matchers": [skipped]}},
    }
    return {"name": "envoy.filters.http.match_delegate", "typed_config": typed}
