"""In production each service has logins of its own at PostgreSQL and Kafka, by Secrets that nobody wrote down here."""

import re
from typing import Any

import pytest

from gbike.services import NAMES
from tests.architecture.source import ROOT
from tests.kubernetes.test_manifests import MANIFESTS, named, of_kind, rendered, settings_of

Object = dict[str, Any]
PAGE = ROOT / "docs" / "operate" / "kubernetes.md"


def resource_name(service: str) -> str:
    """As Kubernetes' objects of a service are called."""
    return service.replace("_", "-")


def pod(kind: str, service: str) -> tuple[Object, Object]:
    """The pod of a service's Deployment or Job in production, and its one container."""
    [one] = [one for one in of_kind("production", kind) if named(one) == resource_name(service)]
    spec = one["spec"]["template"]["spec"]
    [container] = spec["containers"]
    return spec, container


def mounted(spec: Object, container: Object) -> dict[str, tuple[str, str]]:
    """The files of /logins: the Secret and key that each comes from."""
    [mount] = [one for one in container["volumeMounts"] if one["mountPath"] == "/logins"]
    assert mount["readOnly"] is True
    [volume] = [one for one in spec["volumes"] if one["name"] == mount["name"]]
    sources = [one["secret"] for one in volume.get("projected", {}).get("sources", ())] or [volume["secret"]]
    assert volume.get("projected", volume.get("secret"))["defaultMode"] == 0o440
    return {
        f"/logins/{item['path']}": (source.get("name") or source["secretName"], item["key"])
        for source in sources
        for item in source["items"]
    }


@pytest.mark.parametrize("service", NAMES)
def test_a_service_shows_its_own_name_and_password_to_postgresql_and_kafka(service: str) -> None:
    name, platform = resource_name(service), settings_of("production", "platform")
    files = mounted(*pod("Deployment", service))
    assert files[platform["GBIKE_STORE_PASSWORD_FILE"]] == (f"{name}-store", "password")
    assert files[platform["GBIKE_KAFKA_PASSWORD_FILE"]] == (f"{name}-kafka", "password")
    assert settings_of("production", name)["GBIKE_KAFKA_LOGIN"] == service, "logins are called as the catalogue's cards"
    assert "GBIKE_KAFKA_LOGIN" not in platform


@pytest.mark.parametrize("service", NAMES)
def test_a_migration_has_the_services_login_at_postgresql_and_none_at_kafka(service: str) -> None:
    spec, container = pod("Job", service)
    secret = f"{resource_name(service)}-store"
    env = {one["name"]: one for one in container["env"]}
    assert mounted(spec, container) == {env["GBIKE_STORE_PASSWORD_FILE"]["value"]: (secret, "password")}
    assert env["GBIKE_STORE_URL"]["valueFrom"]["secretKeyRef"] == {"name": secret, "key": "url"}


def test_the_gateway_has_no_login() -> None:
    spec, container = pod("Deployment", "gateway")
    assert {"logins"}.isdisjoint(one["name"] for one in [*spec["volumes"], *container["volumeMounts"]])


@pytest.mark.parametrize("overlay", ["demo", "demo-view-on-sqlite", "demo-lag"])
def test_the_demo_stays_open_behind_its_policy(overlay: str) -> None:
    assert "/logins" not in str(rendered(overlay))
    assert "GBIKE_KAFKA_LOGIN" not in str(rendered(overlay))
    policies = {named(one): one["spec"] for one in of_kind(overlay, "NetworkPolicy")}
    for engine in ("postgres", "kafka"):
        [rule] = policies[engine]["ingress"]
        assert [list(one) for one in rule["from"]] == [["podSelector"]], "from the platform's pods only"


def test_no_password_is_in_the_manifests() -> None:
    for file in MANIFESTS.rglob("*.*"):
        for url in re.findall(r"postgresql://\S+", file.read_text("utf-8")):
            assert not re.match(r"postgresql://[^\s/@:]+:(?!\$)[^@\s]+@", url), f"{file}: {url}"


def test_the_page_makes_every_secret_that_production_wants() -> None:
    """The lines that an operator copies: a loop over the services, in the words of the manifests."""
    page = PAGE.read_text("utf-8")
    [listed] = re.findall(r"^for name in (.*); do$", page, re.MULTILINE)
    assert set(listed.split()) == {resource_name(service) for service in NAMES}
    for part in ("$name-store", "$name-kafka", "--from-literal=url=", "--from-file=password="):
        assert part in page
