"""What tests do to the pods of a platform, and what they ask of them."""

import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gbike.run.cluster.plan import Plan, keep_plan
from gbike.services import NAMES
from tests.cluster.running import Reply, ask, gbike, until
from tests.kubernetes.conftest import Platform

SOON_S = 60
"""How long a pod may take to be there, or gone, on a busy machine."""
BIKES = 100_000_000
"""Numbers of bikes above it are drawn by lot."""
STATE = Path(os.environ.get("K8S_STATE", str(Path.home() / ".cache" / "gbike-k8s")))
"""Of the small cluster that deploy/k8s.sh starts."""


class Pods:
    """The pods of one Deployment."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.name, self._kubectl = name, platform.kubectl

    def there(self) -> list[dict[str, Any]]:
        """All of them, also those that are on their way out."""
        told = json.loads(self._kubectl("get", "pods", "-l", f"app.kubernetes.io/name={self.name}", "-o", "json"))
        return [pod for pod in told["items"] if _of_a_deployment(pod)]

    def all(self) -> list[dict[str, Any]]:
        """Those that stay."""
        return [pod for pod in self.there() if "deletionTimestamp" not in pod["metadata"]]

    def ready(self) -> list[str]:
        """The names of those that take traffic."""
        return [pod["metadata"]["name"] for pod in self.all() if is_ready(pod)]

    def named(self, name: str) -> dict[str, Any]:
        """One of them as it is now."""
        return next(pod for pod in self.there() if pod["metadata"]["name"] == name)

    def until(self, count: int, within_s: float = SOON_S) -> None:
        """Wait until there are so many, all ready."""
        until(lambda: len(self.ready()) == len(self.all()) == count, within_s, f"not {count} pods of {self.name}")

    def set(self, **env: str | None) -> None:
        """Change its settings, None: take one back; return when the pods before are gone."""
        words = [f"{name}-" if value is None else f"{name}={value}" for name, value in env.items()]
        self._kubectl("set", "env", f"deployment/{self.name}", *words)
        self.replaced()

    def restart(self) -> None:
        """Roll it to itself, so that it reads its settings anew; return when the pods before are gone."""
        self._kubectl("rollout", "restart", f"deployment/{self.name}")
        self.replaced()

    def rolled(self) -> None:
        """Return when the newest version is what takes traffic."""
        self._kubectl("rollout", "status", f"deployment/{self.name}", f"--timeout={2 * SOON_S}s")

    def replaced(self) -> None:
        """Return when the newest version is all there is."""
        self.rolled()
        until(lambda: len(self.there()) == len(self.ready()), SOON_S, f"old pods of {self.name} do not end")


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod takes traffic."""
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def restarts(pod: dict[str, Any]) -> int:
    """How often its container was started again."""
    return sum(status["restartCount"] for status in pod["status"]["containerStatuses"])


def process(pod: dict[str, Any]) -> int:
    """The process of a pod's container on this machine; 0 when it is on another."""
    [container] = [status.get("containerID", "//-").rpartition("/")[2] for status in pod["status"]["containerStatuses"]]
    for place in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if container in place.read_text():
                return int(place.parent.name)
        except OSError:
            continue  # it has ended
    return 0


@contextmanager
def configured(platform: Platform, service: str, **env: str) -> Iterator[Callable[..., None]]:
    """Change what a service's ConfigMap says, again and again; in the end it is as it was."""
    pods = Pods(platform, service)
    named = "jsonpath={.spec.template.spec.containers[0].envFrom[*].configMapRef.name}"
    maps = platform.kubectl("get", "deployment", service, "-o", named).split()
    before = {one: json.loads(platform.kubectl("get", "configmap", one, "-o", "json")).get("data", {}) for one in maps}
    own = maps[-1]

    def change(**given: str | None) -> None:
        data = json.dumps({"data": given})
        platform.kubectl("patch", "configmap", own, "--type=merge", "-p", data)
        pods.restart()

    change(**env)
    try:
        yield change
    finally:
        change(**{name: before[own].get(name) for name in env})


def verified(platform: Platform, folder: Path) -> str:
    """What `gbike verify` says of the platform's stores, through a port-forward to PostgreSQL."""
    command = [*platform.command, "port-forward", "service/postgres", ":5432"]
    forward = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert forward.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        assert found, "no way to PostgreSQL"
        stores = {name: _store(platform, name, int(found[1])) for name in _stored(platform)}
        data = folder / "verified"
        data.mkdir(exist_ok=True)
        keep_plan(Plan(platform.url, "", stores, [], {}), data)
        done = gbike("verify", "--data", str(data))
        return done.stdout.strip().splitlines()[-1] if done.returncode in (0, 1) else done.stdout + done.stderr
    finally:
        forward.terminate()
        forward.wait(10)


def _stored(platform: Platform) -> Sequence[str]:
    there = platform.kubectl("get", "secrets", "-o", "name").split()
    return [name for name in NAMES if f"secret/{name.replace('_', '-')}-store" in there]


def _store(platform: Platform, service: str, port: int) -> str:
    secret = f"{service.replace('_', '-')}-store"
    url = urlsplit(platform.kubectl("get", "secret", secret, "-o", "go-template={{.data.url | base64decode}}"))
    user = url.netloc.rpartition("@")[0]
    return f"{url.scheme}://{user}@127.0.0.1:{port}{url.path}"


def new_version(platform: Platform, tag: str) -> None:
    """Roll everything, one after the other, to images with another tag; where the small cluster is, they are tagged
    for it, elsewhere the same version is rolled out once more."""
    small = STATE / "run" / "containerd.sock"
    names = platform.kubectl(
        "get", "deployments", "-l", "app.kubernetes.io/part-of=gbike", "-o", "jsonpath={.items[*].metadata.name}"
    ).split()
    for name in names:
        pods = Pods(platform, name)
        if not small.exists() or shutil.which("ctr") is None:
            platform.kubectl("rollout", "restart", f"deployment/{name}")
            pods.rolled()
            continue
        image = platform.kubectl(
            "get", "deployment", name, "-o", "jsonpath={.spec.template.spec.containers[0].image}"
        ).rpartition(":")[0]
        full = f"docker.io/library/{image}"
        there = ["ctr", "-a", str(small), "-n", "k8s.io", "images"]
        subprocess.run([*there, "tag", "--force", f"{full}:dev", f"{full}:{tag}"], check=True, capture_output=True)
        platform.kubectl("set", "image", f"deployment/{name}", f"*={image}:{tag}")
        pods.rolled()


def _of_a_deployment(pod: dict[str, Any]) -> bool:
    return any(owner["kind"] == "ReplicaSet" for owner in pod["metadata"].get("ownerReferences", []))


def answer(platform: Platform, method: str, path: str, body: object = None) -> Reply:
    """What the gateway answers."""
    found = ask(method, platform.url + path, body)
    assert found is not None, f"nobody answers at {platform.url}"
    return found


def taken(platform: Platform, method: str, path: str, body: object) -> Reply:
    """The same of what must be taken, soon: a busy machine may say "later" first."""

    def told() -> Reply | None:
        found = answer(platform, method, path, body)
        return found if found.status != 503 else None

    found: Reply = until(told, SOON_S, f"{method} {path} is refused")
    assert found.status in (200, 201), found
    return found


def new_bike(platform: Platform, **printed: str) -> int:
    """A bike that nobody had before, also not in an earlier run on the same platform."""
    bikeid = BIKES + secrets.randbelow(BIKES)
    taken(platform, "POST", "/bikes", {"bikeid": bikeid, "status": "사용가능", **printed})
    return bikeid


def every(platform: Platform, collection: str) -> list[dict[str, object]]:
    """All of a collection."""
    found = []
    number = 0
    pages = 1
    while number < pages:
        page = answer(platform, "GET", f"/{collection}?page={number}&size=1000").json
        found += next(iter(page["_embedded"].values()))
        number, pages = number + 1, page["page"]["totalPages"]
    return found
