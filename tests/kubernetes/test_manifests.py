"""What the manifests promise, read from what kustomize makes of them, and that an API server takes them strictly."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.pipeline import manifests
from deploy.pipeline.rollout import MIGRATIONS
from gbike.kit.auth.certificates import Certificates, services_named
from gbike.run.registry import spec
from gbike.services import NAMES
from gbike.services.bike.http.imports import MOST_BYTES
from tests.architecture.source import ROOT
from tests.kubernetes.conftest import SMALL, Platform

OVERLAYS = ("demo", "demo-view-on-sqlite", "demo-lag", "production")
MANIFESTS = ROOT / "deploy" / "kubernetes"
PORT = 8080
Object = dict[str, Any]


def test_an_ingress_lets_the_largest_file_of_bikes_through() -> None:
    """ingress-nginx turns away more than 1 MiB where nobody says otherwise."""
    made = yaml.safe_load((MANIFESTS / "components" / "ingress" / "ingress.yaml").read_text("utf-8"))
    let_through = made["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert let_through == f"{MOST_BYTES // 2**20}m"


@cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """What kustomize makes of an overlay."""
    kubectl = shutil.which("kubectl", path=f"{SMALL / 'bin'}:/usr/local/bin:/usr/bin:/bin")
    if kubectl is None:
        pytest.skip("kubectl is missing, which holds kustomize")
    done = subprocess.run([kubectl, "kustomize", MANIFESTS / overlay], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> list[Object]:
    return [one for one in rendered(overlay) if one["kind"] in kinds]


def pod_specs(objects: tuple[Object, ...] | list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Kind and name, pod, and container of everything that makes pods."""
    for one in objects:
        if "template" in one.get("spec", {}):
            pod = one["spec"]["template"]["spec"]
            for container in [*pod.get("initContainers", ()), *pod["containers"]]:
                yield f"{one['kind']}/{one['metadata']['name']}", pod, container


def wrongs(objects: tuple[Object, ...] | list[Object]) -> list[str]:
    """Where they break the house's policy: Pod Security `restricted` and some more."""
    found = []
    for name, pod, container in pod_specs(objects):
        inside, around = container.get("securityContext", {}), pod.get("securityContext", {})
        rules = {
            "runs as root": around.get("runAsNonRoot") is True and around.get("runAsUser", 0) > 0,
            "no seccomp profile": around.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "may gain rights": inside.get("allowPrivilegeEscalation") is False,
            "writes its root": inside.get("readOnlyRootFilesystem") is True,
            "keeps capabilities": inside.get("capabilities", {}).get("drop") == ["ALL"],
            "has a token": pod.get("automountServiceAccountToken") is False,
            "has no limits": {"cpu", "memory"} <= container.get("resources", {}).get("limits", {}).keys(),
            "asks for nothing": {"cpu", "memory"} <= container.get("resources", {}).get("requests", {}).keys(),
            "image without a version": container["image"].rpartition(":")[2] not in ("latest", container["image"]),
            "pulls always": container.get("imagePullPolicy") == "IfNotPresent",
            "not probed": name.startswith("Job/") or {"livenessProbe", "readinessProbe"} <= container.keys(),
            "mounts the host": not any("hostPath" in volume for volume in pod.get("volumes", ())),
            "a secret in its text": not any("assword" in str(one.get("value")) for one in container.get("env", ())),
        }
        found += [f"{name}: {what}" for what, held in rules.items() if not held]
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_keeps_the_policy(overlay: str) -> None:
    assert wrongs(rendered(overlay)) == []
    [namespace] = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert not of_kind(overlay, "Secret"), "a Secret is referred to, never written down"


@pytest.mark.parametrize(
    ("where", "what", "told"),
    [
        (("template", "spec", "securityContext", "runAsNonRoot"), False, "runs as root"),
        (("template", "spec", "automountServiceAccountToken"), True, "has a token"),
        (("template", "spec", "containers", 0, "image"), "gbike-rent:latest", "image without a version"),
        (("template", "spec", "containers", 0, "image"), "gbike-rent", "image without a version"),
        (("template", "spec", "containers", 0, "resources", "limits"), {}, "has no limits"),
        (("template", "spec", "containers", 0, "securityContext"), {}, "writes its root"),
        (("template", "spec", "volumes"), [{"hostPath": {"path": "/"}}], "mounts the host"),
    ],
)
def test_the_policy_check_sees_what_is_wrong(where: tuple[Any, ...], what: Any, told: str) -> None:
    [rent] = [yaml.safe_load(yaml.safe_dump(one)) for one in of_kind("demo", "Deployment") if named(one) == "rent"]
    place = rent["spec"]
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = what
    assert f"Deployment/rent: {told}" in wrongs([rent])


def named(one: Mapping[str, Any]) -> str:
    return str(one["metadata"]["name"])


def test_what_is_said_of_services_is_what_the_cards_say() -> None:
    stale = [path for path, text in manifests.files(ROOT) if (ROOT / path).read_text("utf-8") != text]
    assert stale == [], "run `make schemas`"


def test_lines_are_made_only_where_a_file_has_room_for_them() -> None:
    text = f"by hand\n  {manifests.MADE}\n  old\n  {manifests.END}\nby hand\n"
    assert manifests.filled(text, ["new\n"]) == text.replace("old", "new")
    with pytest.raises(ValueError, match="2 blocks"):
        manifests.filled(text, ["new\n", "more\n"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_of_the_cards_is_there(overlay: str) -> None:
    services = {name.replace("_", "-") for name in NAMES}
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        there = {named(one) for one in of_kind(overlay, kind)} - {"gateway", "postgres", "kafka"}
        assert there == services, kind
    peers = settings_of(overlay, "gateway")
    assert {f"GBIKE_PEER_{name.upper()}_URL" for name in NAMES} <= peers.keys()
    for name in NAMES:
        own = settings_of(overlay, name.replace("_", "-"))
        for called in spec(name).calls:
            where = "https://{}:8443" if overlay == "production" else "http://{}"
            assert own[f"GBIKE_PEER_{called.upper()}_URL"] == where.format(called.replace("_", "-"))


def settings_of(overlay: str, name: str) -> dict[str, str]:
    [found] = [one for one in of_kind(overlay, "ConfigMap") if named(one).rpartition("-")[0] == name]
    return dict(found.get("data") or {})


def test_production_is_secure_and_each_service_has_keys_of_its_own() -> None:
    for one in of_kind("production", "Deployment"):
        secrets = [
            volume["secret"]["secretName"]
            for volume in one["spec"]["template"]["spec"]["volumes"]
            if "secret" in volume
        ]
        assert secrets == ([] if named(one) == "gateway" else [f"{named(one)}-keys", f"{named(one)}-tls"])
    platform = settings_of("production", "platform")
    assert "GBIKE_DEMO" not in platform
    assert platform["GBIKE_PEER_ACCOUNT_URL"] == "https://account:8443"
    assert settings_of("production", "gateway")["GBIKE_PEER_ACCOUNT_URL"] == "http://account"
    policies = {named(one): one["spec"] for one in of_kind("production", "NetworkPolicy")}
    assert policies["to-account"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/component": "service"}}


def test_in_production_services_ask_each_other_over_mutual_tls_only() -> None:
    platform = settings_of("production", "platform")
    for one in of_kind("production", "Deployment"):
        [container] = one["spec"]["template"]["spec"]["containers"]
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        is_service = named(one) != "gateway"
        assert ("/tls" in mounts) is ("inside" in ports) is is_service
        if is_service:
            assert ports["inside"] == int(platform["GBIKE_TLS_PORT"])
            assert {platform[f"GBIKE_TLS_{file}_FILE"] for file in ("CERT", "KEY", "CA")} == {
                "/tls/tls.crt", "/tls/tls.key", "/tls/ca.crt",
            }  # fmt: skip
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            assert container[probe]["httpGet"]["port"] == "http"
    policies = {named(one): one["spec"] for one in of_kind("production", "NetworkPolicy")}
    for name, way in (
        ("bike", "ingress"),
        ("account", "ingress"),
        ("callers-of-bike", "egress"),
        ("to-account", "egress"),
    ):
        assert [rule["ports"] for rule in policies[name][way]] == [[{"port": "inside"}]], name
    for name, way in (("services", "ingress"), ("gateway", "egress")):
        assert [rule["ports"] for rule in policies[name][way]] == [[{"port": "http"}]], name


def test_the_script_makes_certificates_that_services_take(tmp_path: Path) -> None:
    """With the real script; only what takes the Secrets is ours: it keeps their files."""
    kept = tmp_path / "kubectl"
    kept.write_text(
        "#!/usr/bin/env bash\n"
        'if [ "$3" = apply ]; then cat >/dev/null; exit; fi\n'
        f'mkdir "{tmp_path}/$6"\n'
        'for file in "${@:7}"; do [[ $file == --from-file=* ]] && cp "${file#*=}" ' + f'"{tmp_path}/$6"; done; true\n'
    )
    kept.chmod(0o755)
    script = MANIFESTS / "components" / "mutual-tls" / "certificates.sh"
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run([script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {folder.name for folder in tmp_path.iterdir()} - {"kubectl"} == {f"{n.replace('_', '-')}-tls" for n in NAMES}
    ways = [
        [str(tmp_path / f"{name}-tls" / file) for file in ("tls.crt", "tls.key", "ca.crt")] for name in ("rent", "bike")
    ]
    asks, answers = (Certificates(*files) for files in ways)
    to_rent, to_bike = ssl.MemoryBIO(), ssl.MemoryBIO()
    rent = asks.to_ask().wrap_bio(to_rent, to_bike, server_hostname="bike")
    bike = answers.to_answer().wrap_bio(to_bike, to_rent, server_side=True)
    for side in (rent, bike, rent, bike):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert services_named(bike.getpeercert()) == {"rent"}


def test_who_may_speak_to_whom_is_what_the_cards_say() -> None:
    """What the policies say. A plain bridge network stores them and does not keep them."""
    policies = {named(one): one["spec"] for one in of_kind("demo", "NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    callers = {name.replace("_", "-") for name in NAMES if "bike" in spec(name).calls}
    [asked_by] = policies["bike"]["ingress"][0]["from"]
    assert set(asked_by["podSelector"]["matchExpressions"][0]["values"]) == callers
    [expression] = policies["callers-of-bike"]["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == callers


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_roll_out_takes_no_pod_away_before_another_is_ready(overlay: str) -> None:
    for one in of_kind(overlay, "Deployment"):
        spec, alone = one["spec"], one["spec"]["strategy"].get("type") == "Recreate"
        assert alone == (overlay == "demo-view-on-sqlite" and named(one) == "rent-and-billing-view")
        if not alone:
            assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
            assert "replicas" not in spec, "the autoscaler decides"
        [container] = spec["template"]["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_node_that_goes_takes_few_pods_of_a_service_with_it(overlay: str) -> None:
    """Spread over the nodes, each among its own kind, and one at a time when nodes are emptied."""
    disruption = {named(one): one["spec"] for one in of_kind(overlay, "PodDisruptionBudget")}
    for one in of_kind(overlay, "Deployment"):
        own = one["spec"]["selector"]["matchLabels"]
        assert own["app.kubernetes.io/name"] == named(one)
        [spread] = one["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert (spread["topologyKey"], spread["maxSkew"]) == ("kubernetes.io/hostname", 1)
        assert spread["labelSelector"]["matchLabels"] == own
        assert disruption[named(one)]["selector"]["matchLabels"] == own
        assert disruption[named(one)]["maxUnavailable"] == 1


def test_bike_grows_as_the_originals_does() -> None:
    [bike] = [one["spec"] for one in of_kind("demo", "HorizontalPodAutoscaler") if named(one) == "bike"]
    assert (bike["minReplicas"], bike["maxReplicas"]) == (1, 3)
    assert bike["metrics"][0]["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 20},
    }


def test_who_hears_events_grows_by_lag_where_that_is_chosen() -> None:
    by_lag = {}
    for one in of_kind("demo-lag", "HorizontalPodAutoscaler"):
        told = [metric["pods"] for metric in one["spec"]["metrics"] if metric["type"] == "Pods"]
        by_lag |= {named(one): metric["metric"]["name"] for metric in told}
    listening = {
        name.replace("_", "-") for name in NAMES if (ROOT / "src/gbike/services" / name / "policies.py").exists()
    }
    assert by_lag == dict.fromkeys(listening, "gbike_consumer_lag")
    assert not any(len(one["spec"]["metrics"]) > 1 for one in of_kind("demo", "HorizontalPodAutoscaler"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_api_server_takes_every_manifest_strictly(platform: Platform, overlay: str) -> None:
    text = yaml.safe_dump_all(rendered(overlay))
    platform.kubectl("delete", "jobs", "-l", MIGRATIONS)  # as a deployment does: they are done
    told = platform.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", given=text)
    assert len(told.splitlines()) == len(rendered(overlay))


def test_where_the_scripts_of_the_small_cluster_are_is_said_in_one_place() -> None:
    beside = "../" + "shared"
    looked = [
        ROOT / "Makefile",
        *(path for name in ("deploy", "docs", "tests", ".github", ".ci") for path in (ROOT / name).rglob("*")),
    ]
    files = [path for path in looked if path.is_file() and path.suffix != ".pyc"]
    names = [str(path.relative_to(ROOT)) for path in files if beside.encode() in path.read_bytes()]
    assert names == ["deploy/k8s.sh"]
    assert (ROOT / "deploy/k8s.sh").read_text("utf-8").count(beside) == 1


def test_without_the_scripts_or_a_cluster_it_is_said_what_to_set(tmp_path: Path) -> None:
    def possible(**env: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **env}
        return subprocess.run(
            [ROOT / "deploy/k8s.sh", "possible"], env=env, capture_output=True, text=True, check=False
        )

    without = possible(K8S_SCRIPTS=str(tmp_path))
    assert without.returncode == 2
    assert "KUBECONFIG" in without.stderr
    assert str(tmp_path) in without.stderr
    assert possible(K8S_SCRIPTS=str(tmp_path), KUBECONFIG="one").returncode == 0
    (tmp_path / "k8s-up.sh").touch(0o700)
    assert possible(K8S_SCRIPTS=str(tmp_path)).returncode == 0
