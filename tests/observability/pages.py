"""A page of /metrics, as Prometheus reads it."""

import re
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from gbike.run.event_map import inert_dependencies
from gbike.run.registry import specs


class Metrics(NamedTuple):
    """Every sample of a page: name, labels, value."""

    samples: list[tuple[str, dict[str, str], float]]

    def value(self, name: str, **labels: str) -> float | None:
        """The sum over the samples that have these labels; None when there is none."""
        found = [value for known, has, value in self.samples if known == name and labels.items() <= has.items()]
        return sum(found) if found else None


def declared() -> list[Counter | Gauge | Histogram]:
    """Every metric of the floor and of the services."""
    deps = inert_dependencies()
    for spec in specs():
        spec.build(deps)
    found = deps.metrics.registry._collector_to_names
    return [metric for metric in found if isinstance(metric, Counter | Gauge | Histogram)]


def read(page: bytes) -> Metrics:
    """The samples of a page."""
    families = text_string_to_metric_families(page.decode())
    return Metrics([(one.name, one.labels, one.value) for family in families for one in family.samples])


def metrics_of(promql: str) -> set[str]:
    """The metrics that an expression names: what stands before `{`, `[`, a closing bracket or an operator, and is no
    function, keyword or label."""
    plain = re.sub(r'"[^"]*"', '""', promql)
    plain = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", plain)
    plain = re.sub(r"\{[^}]*\}", "{}", plain)
    plain = re.sub(r"\[[^\]]*\]", "", plain)
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w|\s*\()", plain)
    return {word for word in words if word not in KEYWORDS}


KEYWORDS = {"and", "or", "unless", "bool", "offset", "s", "m", "h", "d"}
