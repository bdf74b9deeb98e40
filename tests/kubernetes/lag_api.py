"""The smallest custom metrics API that an autoscaler can ask: the lag of pods, read from their own /metrics.

It runs in a pod, by itself: python lag_api.py NAMESPACE. It stands for Prometheus and prometheus-adapter in a test
(test_lag.py). It needs a certificate in /tls, and leave to list the pods.
"""

import json
import re
import ssl
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

GROUP = "custom.metrics.k8s.io/v1beta2"
METRIC = "gbike_consumer_lag"
PORT = 6443
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
RESOURCE = {
    "name": f"pods/{METRIC}",
    "singularName": "",
    "namespaced": True,
    "kind": "MetricValueList",
    "verbs": ["get"],
}
RESOURCES = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": [RESOURCE]}
NOTHING = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
ANSWER_S = 3


def pods(namespace: str, labels: str) -> list[dict[str, Any]]:
    """The pods of a namespace that have these labels."""
    url = f"https://kubernetes.default/api/v1/namespaces/{namespace}/pods?labelSelector={quote(labels)}"
    token = (ACCOUNT / "token").read_text()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=ANSWER_S, context=context) as answer:
        found: list[dict[str, Any]] = json.load(answer)["items"]
    return found


def lag(pod: dict[str, Any]) -> str | None:
    """What waits for a pod; None when it does not say."""
    try:
        url = f"http://{pod['status']['podIP']}:8080/metrics"
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
            printed = re.search(rf"^{METRIC}{{.*}} (\S+)$", answer.read().decode(), re.MULTILINE)
    except (KeyError, OSError):
        return None
    return str(round(float(printed[1]))) if printed else None


def values(namespace: str, labels: str) -> dict[str, Any]:
    """The answer to an autoscaler."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    items = [
        {
            "describedObject": {"kind": "Pod", "apiVersion": "v1", "namespace": namespace, "name": name},
            "metric": {"name": METRIC},
            "timestamp": now,
            "value": value,
        }
        for pod in pods(namespace, labels)
        if (value := lag(pod)) is not None and (name := pod["metadata"]["name"])
    ]
    return {"kind": "MetricValueList", "apiVersion": GROUP, "metadata": {}, "items": items}


class Asked(BaseHTTPRequestHandler):
    """Which metrics there are, and the one that there is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer an autoscaler."""
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path == f"/apis/{GROUP}":
            self._say(200, RESOURCES)
        elif path == f"/apis/{GROUP}/namespaces/{sys.argv[1]}/pods/*/{METRIC}":
            self._say(200, values(sys.argv[1], parse_qs(url.query).get("labelSelector", [""])[0]))
        else:
            self._say(404, NOTHING)

    def _say(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", PORT), Asked)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
