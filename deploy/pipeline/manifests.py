"""What deploy/ says of each service, made from the services' cards by `make schemas`.

Files of deploy/ are written by hand but for the lines between MADE and END, which are written anew each time. In the
texts below NAME is a service as Kubernetes calls it (bike-manager), SERVICE as gbike does (bike_manager), and UPPER
BIKE_MANAGER.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dev.documents import write_changed
from gbike.run.event_map import Built, build_all
from gbike.run.registry import usual_port

ROOT = Path(__file__).parents[2]
K8S, COMPONENTS = "deploy/kubernetes", "deploy/kubernetes/components"
MADE, END = "# services: made by `make schemas`", "# end of services"
_BLOCK = re.compile(f"^( *){MADE}\n.*?^ *{END}\n", re.MULTILINE | re.DOTALL)
SERVICE = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../service]
labels:
  - pairs: {app.kubernetes.io/name: NAME}
    includeSelectors: true
images: [{name: service, newName: gbike-NAME, newTag: dev}]
configMapGenerator:
  - {name: NAME, envs: [settings.env], literals: [PEERS]}
patches:
  - target: {name: service}
    options: {allowNameChange: true}
    patch: "- {op: replace, path: /metadata/name, value: NAME}"
  - target: {kind: HorizontalPodAutoscaler}
    patch: "- {op: replace, path: /spec/scaleTargetRef/name, value: NAME}"
  - target: {kind: Deployment}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/envFrom/1/configMapRef/name, value: NAME}
      - {op: replace, path: /spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef/name, value: NAME-store}
  - target: {kind: Job}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef/name, value: NAME-store}
"""
"""What makes a service of ../service: its name, wherever that has none."""
POLICIES = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, labels: {app.kubernetes.io/part-of: gbike}}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: NAME, app.kubernetes.io/component: service}}
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector:
            matchLabels: {app.kubernetes.io/component: service}
            matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [CALLERS]}]
      ports: [{port: http}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: callers-of-NAME, labels: {app.kubernetes.io/part-of: gbike}}
spec:
  podSelector:
    matchLabels: {app.kubernetes.io/component: service}
    matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [CALLERS]}]
  policyTypes: [Egress]
  egress:
    - to: [{podSelector: {matchLabels: {app.kubernetes.io/name: NAME, app.kubernetes.io/component: service}}}]
      ports: [{port: http}]
"""
"""Who is asked by other services lets those in, and those may get there."""
VOLUME = (
    "- target: {kind: Deployment, name: NAME, labelSelector: app.kubernetes.io/component=service}\n"
    '  patch: "- {op: add, path: /spec/template/spec/volumes/-, value: {name: KIND,'
    ' secret: {secretName: NAME-KIND, defaultMode: 288}}}" # 0440\n'
)
LOGINS = """\
- target: {kind: Deployment, name: NAME, labelSelector: app.kubernetes.io/component=service}
  patch: |-
    - op: add
      path: /spec/template/spec/volumes/-
      value:
        name: logins
        projected:
          defaultMode: 288 # 0440
          sources:
            - {secret: {name: NAME-store, items: [{key: password, path: store}]}}
            - {secret: {name: NAME-kafka, items: [{key: password, path: kafka}]}}
- target: {kind: Job, name: NAME, labelSelector: app.kubernetes.io/component=migration}
  patch: |-
    - op: add
      path: /spec/template/spec/volumes
      value: [{name: logins, secret: {secretName: NAME-store, defaultMode: 288, items: [{key: password, path: store}]}}]
"""
INSIDE = """\
- target: {kind: Service, name: account|CALLEES}
  patch: "- {op: add, path: /spec/ports/-, value: {name: inside, port: 8443, targetPort: inside}}"
# What services ask each other is asked there only; the gateway and who watches stay on the other port.
- target: {kind: NetworkPolicy, name: account|CALLEES}
  patch: "- {op: replace, path: /spec/ingress/0/ports/0/port, value: inside}"
- target: {kind: NetworkPolicy, name: to-account|callers-of-(CALLEES)}
  patch: "- {op: replace, path: /spec/egress/0/ports/0/port, value: inside}"
"""
BY_LAG = "- target: {kind: HorizontalPodAutoscaler, name: HEARERS}\n"

Services = Sequence[Built]
Block = Callable[[Services], str]


def name_of(service: str) -> str:
    """A service as Kubernetes calls it."""
    return service.replace("_", "-")


def each(template: str) -> Block:
    """The lines for one service after the other."""
    return lambda services: "".join(_for(template, one.spec.name) for one in services)


def _for(template: str, service: str) -> str:
    found = template.replace("UPPER", service.upper()).replace("PORT", str(usual_port(service)))
    return found.replace("SERVICE", service).replace("NAME", name_of(service))


def calls(services: Services) -> list[tuple[str, str]]:
    """Who asks whom."""
    return [(one.spec.name, callee) for one in services for callee in one.spec.calls]


def callees(services: Services) -> list[str]:
    """Who is asked by other services."""
    return list(dict.fromkeys(callee for _, callee in calls(services)))


def _peer(callee: str, base: str) -> str:
    return _for(f"GBIKE_PEER_UPPER_URL={base}", callee)


def _service(one: Built) -> str:
    peers = ", ".join(_peer(callee, "http://NAME") for callee in one.spec.calls)
    return _for(SERVICE.replace("PEERS", peers), one.spec.name)


def _policies(services: Services) -> str:
    asked = {
        callee: [name_of(one) for one, other in calls(services) if other == callee] for callee in callees(services)
    }
    return "".join(_for(POLICIES.replace("CALLERS", ", ".join(by)), callee) for callee, by in asked.items())


def _peers_by_tls(services: Services) -> str:
    line = '- {name: NAME, behavior: merge, literals: ["URL"]}\n'
    urls = [(one, _peer(callee, "https://NAME:8443")) for one, callee in calls(services)]
    return "".join(_for(line, one).replace("URL", url) for one, url in urls)


def _inside(services: Services) -> str:
    return INSIDE.replace("CALLEES", "|".join(name_of(callee) for callee in callees(services)))


def _names(services: Services) -> str:
    return f"services=({' '.join(name_of(one.spec.name) for one in services)})\n"


def _calls(services: Services) -> str:
    return f"calls=({' '.join(f'{name_of(one)}:{name_of(callee)}' for one, callee in calls(services))})\n"


def _by_lag(services: Services) -> str:
    return BY_LAG.replace("HEARERS", "|".join(name_of(one.spec.name) for one in services if one.service.policies))


def _databases(services: Services) -> str:
    return f"- {{name: DATABASES, value: {' '.join(one.spec.name for one in services)}}}\n"


BLOCKS: Mapping[str, Sequence[Block]] = {
    f"{K8S}/base/kustomization.yaml": [each("- NAME\n")],
    f"{K8S}/base/gateway/settings.env": [each("GBIKE_PEER_UPPER_URL=http://NAME\n")],
    f"{K8S}/base/network.yaml": [_policies],
    f"{COMPONENTS}/accounts/kustomization.yaml": [each(VOLUME.replace("KIND", "keys"))],
    f"{COMPONENTS}/accounts/secrets.sh": [lambda services: _names(services) + _calls(services)],
    f"{COMPONENTS}/lag-autoscaling/kustomization.yaml": [_by_lag],
    f"{COMPONENTS}/logins/kustomization.yaml": [
        each("- {name: NAME, behavior: merge, literals: [GBIKE_KAFKA_LOGIN=SERVICE]}\n"),
        each(LOGINS),
    ],
    f"{COMPONENTS}/mutual-tls/kustomization.yaml": [_peers_by_tls, _inside, each(VOLUME.replace("KIND", "tls"))],
    f"{COMPONENTS}/mutual-tls/certificates.sh": [_names],
    f"{K8S}/demo-lag/kustomization.yaml": [_by_lag],
    f"{K8S}/demo/postgres.yaml": [_databases],
    "deploy/observability/prometheus.yml": [each('- {labels: {service: SERVICE}, targets: ["127.0.0.1:PORT"]}\n')],
}


def files(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of every file that says something of a service."""
    services = build_all()
    for path, blocks in BLOCKS.items():
        yield path, filled((root / path).read_text("utf-8"), [block(services) for block in blocks])
    for one in services:
        folder = f"{K8S}/base/{name_of(one.spec.name)}"
        path, own = f"{folder}/kustomization.yaml", f"{folder}/settings.env"
        text = (root / path).read_text("utf-8") if (root / path).exists() else f"{MADE}\n{END}\n"
        yield path, filled(text, [_service(one)])
        if not (root / own).exists():
            yield own, _for("# What may be set of NAME: docs/reference/settings.md\n", one.spec.name)


def filled(text: str, blocks: Sequence[str]) -> str:
    """The text with these in its blocks, as far to the right as each is. Raises ValueError where it has not so many."""
    if len(_BLOCK.findall(text)) != len(blocks):
        raise ValueError(f"{len(blocks)} blocks are to be filled, between `{MADE}` and `{END}`")
    left = iter(blocks)

    def block(found: re.Match[str]) -> str:
        return "".join(f"{found[1]}{line}\n" for line in (MADE, *next(left).splitlines(), END))

    return _BLOCK.sub(block, text)


def write(root: Path) -> list[str]:
    """Write what differs under `root`; answers the paths that changed."""
    return write_changed(root, files(root))


if __name__ == "__main__":
    print("\n".join(write(ROOT)) or "nothing changed")
    sys.exit(0)
