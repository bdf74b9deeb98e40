"""Envoy's configuration as such: what must be in it whatever the services are called."""

from typing import Any

import pytest

from gbike.gateway.envoy import Address, ListenAddress, config
from gbike.gateway.http import Page, RouteTable
from gbike.gateway.settings import GatewaySettings

TABLE = RouteTable({"/rents": "rent", "/rentAndBillingViews": "view"}, {"/views": "/rentAndBillingViews"})
UPSTREAMS = {"rent": [Address("rent-0", 8081), Address("rent-1", 8081)], "view": [Address("127.0.0.1", 8085)]}


def made(demo: bool = True, **settings: Any) -> dict[str, Any]:
    """A configuration of two services."""
    page = Page("application/json", "{}")
    return config(TABLE, UPSTREAMS, {"/docs": page}, ListenAddress(demo=demo), GatewaySettings(**settings))


def manager(found: dict[str, Any]) -> dict[str, Any]:
    """What happens on a connection of a client."""
    chain: dict[str, Any] = found["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return chain


def routes(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes to services by prefix; those that only have no pace are of the same paths."""
    hosts = manager(found)["route_config"]["virtual_hosts"]
    every = [route for host in hosts for route in host["routes"] if "route" in route]
    return [route for route in every if "path_separated_prefix" in route["match"]]


def test_every_prefix_and_alias_has_its_routes_and_nothing_else_reaches_a_service() -> None:
    found = [(r["match"]["path_separated_prefix"], r["route"]["cluster"]) for r in routes(made())]
    assert set(found) == {("/rents", "rent"), ("/rentAndBillingViews", "view"), ("/views", "view")}
    rewritten = {r["match"]["path_separated_prefix"]: r["route"].get("prefix_rewrite") for r in routes(made())}
    assert rewritten == {"/rents": None, "/rentAndBillingViews": None, "/views": "/rentAndBillingViews"}


def test_what_was_not_sent_is_tried_again_only_reading_otherwise_and_nothing_for_an_answer() -> None:
    unseen = {"connect-failure", "refused-stream", "reset-before-request"}
    for route in routes(made()):
        methods = [header["string_match"]["safe_regex"]["regex"] for header in route["match"].get("headers", ())]
        tried_for = set(route["route"]["retry_policy"]["retry_on"].split(","))
        assert tried_for == (unseen | {"reset"} if methods == ["GET|HEAD"] else unseen)


def test_a_list_as_a_file_may_take_longer_than_other_answers() -> None:
    files = [route for route in routes(made()) if "query_parameters" in route["match"]]
    assert {route["match"]["path_separated_prefix"] for route in files} == {"/rents", "/rentAndBillingViews", "/views"}
    for route in files:
        assert route["match"]["query_parameters"] == [{"name": "format", "string_match": {"exact": "csv"}}]
        assert (route["route"]["timeout"], route["route"]["idle_timeout"]) == ("0s", "60s")


def test_every_process_of_a_service_is_an_endpoint() -> None:
    clusters = {cluster["name"]: cluster for cluster in made()["static_resources"]["clusters"]}
    endpoints = clusters["rent"]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    at = [endpoint["endpoint"]["address"]["socket_address"]["address"] for endpoint in endpoints]
    assert at == ["rent-0", "rent-1"]


def test_no_answer_of_a_service_puts_it_out() -> None:
    for cluster in made()["static_resources"]["clusters"]:
        outliers = cluster["outlier_detection"]
        assert outliers["split_external_local_origin_errors"]
        assert {name for name, value in outliers.items() if name.startswith("enforcing_") and value} == {
            "enforcing_consecutive_local_origin_failure"
        }


@pytest.mark.parametrize(("demo", "per_s", "limited"), [(True, 5, False), (False, 5, True), (False, 0, False)])
def test_the_rate_is_limited_outside_the_demo(demo: bool, per_s: int, limited: bool) -> None:
    names = [one["name"] for one in manager(made(demo, gateway_requests_per_s=per_s))["http_filters"]]
    assert ("envoy.filters.http.local_ratelimit" in names) is limited
    assert names[-1] == "envoy.filters.http.router"


def test_operators_are_on_loopback_whatever_the_gateway_binds() -> None:
    found = config(TABLE, UPSTREAMS, {}, ListenAddress(host="0.0.0.0", port=80, admin_port=9), GatewaySettings())
    assert found["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 9}
    listener = found["static_resources"]["listeners"][0]
    assert listener["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 80}


def test_an_origin_is_taken_literally() -> None:
    [cors] = [
        one for one in manager(made(False, gateway_origins="https://a.b"))["http_filters"] if "origin" in str(one)
    ]
    assert r"https://a\\.b" in str(cors)
