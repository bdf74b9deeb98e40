"""`make deploy`: bring a version onto a cluster, take a ride on it, and go back to the one before when that fails.

    python -m deploy.pipeline.rollout OVERLAY TAG [--prefix registry.example/gbike/] [--address URL]

Who may do this is the kubeconfig's business: KUBECONFIG, as for kubectl, or KUBECONFIG_CONTENT, which a pipeline has
from its secrets and which lies in a file of this user's only while this runs. Without --address the ride goes through a
forwarded port of the gateway's Service.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from deploy.pipeline import smoke
from deploy.pipeline.images import image, names
from deploy.pipeline.tools import Failed, guarded, path_of, run

NAMESPACE = "gbike"
OURS = "app.kubernetes.io/part-of=gbike"
MIGRATIONS = f"{OURS},app.kubernetes.io/component=migration"
ROLL_OUT_S = 180
"""For a Deployment to be on its new version: above its own progressDeadlineSeconds (120), whose word is clearer."""
REVISION = "deployment.kubernetes.io/revision"
MIGRATE_S = 300
FORWARD_S = 20


class Cluster:
    """A cluster, by kubectl."""

    def __init__(self) -> None:
        self._kubectl = path_of("kubectl", "see https://kubernetes.io/docs/tasks/tools/")

    def __call__(self, *args: str, given: str | None = None) -> str:
        """What kubectl says in gbike's namespace. Raises Failed."""
        return run([self._kubectl, "-n", NAMESPACE, *args], given=given)

    def revisions(self) -> dict[str, str]:
        """The revision that each of our Deployments is at."""
        shown = self(*f"get deployments -l {OURS} -o yaml".split())
        return {
            one["metadata"]["name"]: one["metadata"].get("annotations", {}).get(REVISION, "0")
            for one in yaml.safe_load(shown)["items"]
        }

    def wait(self, deployments: Sequence[str]) -> None:
        """Until all of them run what was asked for. Raises Failed at the first that does not get there."""
        for name in deployments:
            self("rollout", "status", f"deployment/{name}", f"--timeout={ROLL_OUT_S}s")

    @contextmanager
    def gateway(self) -> Iterator[str]:
        """The gateway's address, by a port of this machine."""
        command = [self._kubectl, "-n", NAMESPACE, "port-forward", "service/gateway", ":http"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forward:  # noqa: S603
            try:
                assert forward.stdout is not None
                printed = forward.stdout.readline()
                found = re.search(r"127\.0\.0\.1:(\d+)", printed)
                if not found:
                    raise Failed(f"kubectl port-forward: {printed.strip() or 'said nothing'}")
                yield f"http://127.0.0.1:{found[1]}"
            finally:
                forward.terminate()


def rendered(overlay: Path, tag: str, prefix: str, kubectl: str = "kubectl") -> list[dict[str, object]]:
    """The objects of an overlay with our images at a tag."""
    if tag == "latest":
        raise Failed("TAG=latest says nothing about what runs: choose another")
    with tempfile.TemporaryDirectory(prefix="gbike-overlay-") as folder:
        images = [
            {"name": image(name, "").rstrip(":"), "newName": image(name, "", prefix).rstrip(":"), "newTag": tag}
            for name in names()
        ]
        resources = [os.path.relpath(overlay.resolve(), Path(folder).resolve())]
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump({"resources": resources, "images": images}))
        shown = run([path_of(kubectl, "see https://kubernetes.io/docs/tasks/tools/"), "kustomize", folder])
    return [one for one in yaml.safe_load_all(shown) if one]


def deploy(cluster: Cluster, objects: Sequence[Mapping[str, object]], address: str | None) -> None:
    """Migrate, roll out, ride. Raises Failed after everything that was changed is back at what it was."""
    before = cluster.revisions() if _there(cluster) else {}
    deployments = [one for one in objects if one["kind"] == "Deployment"]
    others = [one for one in objects if one["kind"] != "Deployment"]
    _say("migrating: schemas only grow, so the version that runs now goes on meanwhile")
    if before:
        cluster(*f"delete jobs -l {MIGRATIONS} --ignore-not-found --wait".split())
    cluster("apply", "-f", "-", given=yaml.safe_dump_all(others))
    if any(one["kind"] == "Job" for one in others):
        cluster(*f"wait --for=condition=complete jobs -l {MIGRATIONS} --timeout={MIGRATE_S}s".split())
    try:
        _say("rolling out")
        cluster("apply", "-f", "-", given=yaml.safe_dump_all(deployments))
        cluster.wait(sorted(cluster.revisions()))
        _ride(cluster, address)
    except Failed as wrong:
        _say(f"this version is no good: {wrong}")
        _back(cluster, before, address)
        raise Failed("the version was not taken; see above") from None


def _back(cluster: Cluster, before: Mapping[str, str], address: str | None) -> None:
    """Every Deployment to the revision that it had, and see whether a ride works there."""
    changed = [name for name, now in cluster.revisions().items() if name in before and now != before[name]]
    if not changed:
        _say("there is no version before this one to go back to")
        return
    for name in changed:
        _say(f"rolling back {name} to revision {before[name]}")
        cluster("rollout", "undo", f"deployment/{name}", f"--to-revision={before[name]}")
    cluster.wait(changed)
    try:
        _ride(cluster, address)
    except Failed as wrong:
        _say(f"the version before fails too, so the cause may be elsewhere: {wrong}")
    else:
        _say("rolled back: the version before serves rides")


def _ride(cluster: Cluster, address: str | None) -> None:
    if address:
        smoke.journey(smoke.Gateway(address))
        return
    with cluster.gateway() as forwarded:
        smoke.journey(smoke.Gateway(forwarded))


@contextmanager
def _kubeconfig(content: str | None) -> Iterator[None]:
    """Let kubectl use the given configuration, if any."""
    if not content:
        yield
        return
    with tempfile.NamedTemporaryFile("w", prefix="gbike-kubeconfig-") as file:  # mode 0600
        file.write(content)
        file.flush()
        os.environ["KUBECONFIG"] = file.name
        yield


def _there(cluster: Cluster) -> bool:
    return bool(cluster(*f"get namespaces {NAMESPACE} --ignore-not-found -o name".split()).strip())


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main(args: Sequence[str]) -> int:
    """Deploy, or go back and answer 1."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("overlay", type=Path)
    parser.add_argument("tag")
    parser.add_argument("--prefix", default="", help="before every image's name: registry.example/gbike/")
    parser.add_argument("--address", default=None, help="where the gateway answers, for the ride")
    told = parser.parse_args(args)
    with _kubeconfig(os.environ.get("KUBECONFIG_CONTENT")):
        deploy(Cluster(), rendered(told.overlay, told.tag, told.prefix), told.address or None)
    _say(f"version {told.tag} serves rides")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
