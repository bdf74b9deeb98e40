"""What the gateway does to headers, as filters: its own marks, the request's id, and pages of other origins."""

from collections.abc import Sequence
from typing import Any

from gbike.kit.http.protection import protecting
from gbike.kit.peers import DEADLINE_HEADER

TYPE = "type.googleapis.com/"
FILTERS = TYPE + "envoy.extensions.filters.http."
SANE_REQUEST_ID = "[A-Za-z0-9._:/+=@-]{1,128}"
"""As kit/telemetry.py takes it over."""


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


INSIDE = (DEADLINE_HEADER,)
"""What only services tell each other."""
CREDENTIALS = header("access-control-allow-credentials", "true")
"""As the original, in the demo only: elsewhere there are tokens, and no cookie that a page could misuse."""
PROTECTING = tuple(
    header(name.decode(), value.decode(), "ADD_IF_ABSENT")
    for name, value in protecting("", personal=False, over_tls=False)
)
"""What Envoy answers by itself is protected as what the services answer."""


def header_filters(origins: str, *, trusted: bool, demo: bool) -> list[dict[str, Any]]:
    """`origins`: a regular expression for those whose pages may call. `trusted`: a proxy in front of us that we know
    says which address the client used; nobody else is believed about that."""
    made, shared = header("x-request-id", "%UNIQUE_ID%"), (*OPEN, CREDENTIALS) if demo else OPEN
    nobodys = [*INSIDE, *([] if trusted else ["x-forwarded-host"])]
    answered = header("x-request-id", "%REQ(X-REQUEST-ID)%", "ADD_IF_ABSENT")
    return [
        _changes([{"remove": name} for name in nobodys], [{"append": MODE}] if demo else []),
        _only_if("x-request-id", SANE_REQUEST_ID, False, _changes([{"append": made}])),
        _changes(response=[{"append": one} for one in (answered, *PROTECTING)]),
        _only_if("origin", origins, True, _changes(response=[{"append": one} for one in shared])),
    ]


def _changes(request: Sequence[dict[str, Any]] = (), response: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A filter that changes headers."""
    mutations = {"request_mutations": list(request), "response_mutations": list(response)}
    typed = {"@type": FILTERS + "header_mutation.v3.HeaderMutation", "mutations": mutations}
    return {"name": "envoy.filters.http.header_mutation", "typed_config": typed}


def _only_if(name: str, regex: str, fits: bool, filter: dict[str, Any]) -> dict[str, Any]:
    """A filter only for the requests whose header fits, or does not fit, a regular expression."""
    given = {"@type": TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": name}
    match = {"safe_regex": {"google_re2": {}, "regex": regex}}
    fitting = {"single_predicate": {"input": {"name": name, "typed_config": given}, "value_match": match}}
    skip = {"@type": TYPE + "envoy.extensions.filters.common.matcher.action.v3.SkipFilter"}
    skipped = {
        "predicate": {"not_matcher": fitting} if fits else fitting,
        "on_match": {"action": {"name": "skip", "typed_config": skip}},
    }
    typed = {
        "@type": TYPE + "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
        "extension_config": filter,
        "xds_matcher": {"matcher_list": {"matchers": [skipped]}},
    }
    return {"name": "envoy.filters.http.match_delegate", "typed_config": typed}
