"""Rules and dashboards: Prometheus itself takes them, they ask only for what gbike tells, and each alert is tried."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram

from gbike.run.registry import usual_port
from gbike.services import NAMES
from tests.observability.pages import declared, metrics_of

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy/observability"
PAGES = ROOT / "docs/operate/alerts"
RULES = yaml.safe_load((HERE / "rules.yml").read_text("utf-8"))
TESTS = ("rules.test.yml", "rules.days.test.yml")
DASHBOARDS = sorted((HERE / "dashboards").glob("*.json"))
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
RECORDED = {rule["record"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
OTHERS = {
    "up": {"job", "service"},
    "ALERTS": {"alertname", "alertstate"},
    # What prometheus_client tells of a process; the scraping job says whose it is.
    "process_start_time_seconds": {"job", "service"},
    "process_cpu_seconds_total": {"job", "service"},
    "process_resident_memory_bytes": {"job", "service"},
    "envoy_cluster_upstream_rq_xx": {"envoy_cluster_name", "envoy_response_code_class"},
}
"""What is not gbike's own, with the labels that are asked for."""


def known() -> dict[str, set[str]]:
    """Every metric that can be asked for, with its labels."""
    found = dict(OTHERS)
    for metric in declared():
        name, labels = metric.describe()[0].name, set(metric._labelnames)
        if isinstance(metric, Histogram):
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_count": labels, f"{name}_sum": labels}
        else:
            found[name + ("_total" if isinstance(metric, Counter) else "")] = labels
    return found | {name: {"service"} for name in RECORDED}


def panels() -> Iterator[tuple[str, str]]:
    """Each query of each dashboard, with whose it is."""
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]


def every_expression() -> list[tuple[str, str]]:
    alerts = [(name, rule["expr"]) for name, rule in ALERTS.items()]
    return [*alerts, *RECORDED.items(), *panels()]


def labels_of(promql: str) -> Iterable[tuple[str, str]]:
    """Each metric with a label that is asked of it."""
    for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)\{((?:\"[^\"]*\"|[^}\"])*)\}", promql):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", inside):
            yield name, label


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    return found


def run(promtool: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool, *map(str, args)], capture_output=True, text=True, timeout=300, check=False)


def test_prometheus_takes_the_configuration_and_the_rules(promtool: str) -> None:
    done = run(promtool, "check", "config", HERE / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS) + len(RECORDED)} rules found" in done.stdout


def test_a_look_every_ten_minutes_takes_the_groups_in_their_order() -> None:
    days = yaml.safe_load((HERE / "rules.days.test.yml").read_text("utf-8"))
    assert days["group_eval_order"] == [group["name"] for group in RULES["groups"]]  # one it does not name comes first


def test_each_alert_fires_when_it_should_and_only_then(promtool: str) -> None:
    done = run(promtool, "test", "rules", *(HERE / name for name in TESTS))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="every rule planted wrong, twice: GBIKE_FULL=1")
@pytest.mark.parametrize("planted", ["vector(0) > 1", "vector(1)"], ids=["never fires", "always fires"])
def test_a_rule_that_is_wrong_is_caught(promtool: str, tmp_path: Path, planted: str) -> None:
    wrong = yaml.safe_load((HERE / "rules.yml").read_text("utf-8"))
    for group in wrong["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["expr"] = planted
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(wrong, allow_unicode=True), "utf-8")
    for name in TESTS:
        shutil.copy(HERE / name, tmp_path)
    done = run(promtool, "test", "rules", *(tmp_path / name for name in TESTS))
    caught = set(re.findall(r"alertname: (\w+), time", done.stdout + done.stderr))
    assert caught == ALERTS.keys()


def test_prometheus_can_read_every_query_of_a_dashboard(promtool: str, tmp_path: Path) -> None:
    queries = [query.replace("$__rate_interval", "1m") for _, query in panels()]
    assert len(queries) > 30
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "q", "rules": rules}]}), "utf-8")
    done = run(promtool, "check", "rules", tmp_path / "queries.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("whose", "promql"), every_expression(), ids=lambda text: text[:40])
def test_what_is_asked_for_is_told(whose: str, promql: str) -> None:
    told = known()
    asked = metrics_of(promql)
    assert asked, promql
    assert asked <= told.keys(), f"{whose} asks for {asked - told.keys()}"
    for metric, label in labels_of(promql):
        assert label in told[metric], f"{whose} asks for {label} of {metric}"


def test_a_metric_that_is_not_there_is_caught() -> None:
    promql = 'sum by (service) (rate(gbike_rent_total{stat="x"}[5m])) / on() max(gbike_rents) > 0 or vector(0)'
    assert metrics_of(promql) == {"gbike_rent_total", "gbike_rents"}
    assert list(labels_of(promql)) == [("gbike_rent_total", "stat")]
    assert list(labels_of('a{b="c/{d}",e=~"f"}')) == [("a", "b"), ("a", "e")]


def test_every_metric_of_ours_is_watched() -> None:
    watched = {name for _, promql in every_expression() for name in metrics_of(promql)}
    ours = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in known()
    } - OTHERS.keys()
    unseen = {name for name in ours if not any(seen.startswith(name) for seen in watched)}
    assert unseen <= {"gbike_dead_letters_total", "gbike_breaker_transitions_total"}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_in_both_languages_and_has_a_page(alert: str) -> None:
    notes = ALERTS[alert]["annotations"]
    assert ALERTS[alert]["labels"]["severity"] in ("page", "ticket")
    assert re.search(r"[가-힣]", notes["summary_ko"])
    assert notes["summary"].isascii()
    page = ROOT / notes["runbook"]
    assert page == PAGES / f"{alert}.md"
    text = page.read_text("utf-8")
    for part in ("**Riders**: ", "**Look**: ", "**Do**: ", "**Call**: "):
        assert part in text, f"{page.name} has no {part!r}"


def test_a_page_has_an_alert() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == ALERTS.keys()


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_can_be_imported(file: Path) -> None:
    board: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert board["uid"] == f"gbike-{file.stem}"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["datasource"]["uid"] == "${datasource}"
        assert len(panel["title"]) > 3


def test_every_service_that_is_scraped_has_its_port() -> None:
    [job] = [one for one in _jobs() if one["job_name"] == "gbike"]
    assert job["honor_labels"]
    scraped = {one["labels"]["service"]: one["targets"] for one in job["static_configs"]}
    assert scraped == {name: [f"127.0.0.1:{usual_port(name)}"] for name in NAMES}


def test_autoscalers_ask_for_a_metric_that_is_there_by_labels_that_series_get(promtool: str, tmp_path: Path) -> None:
    """The rule of prometheus-adapter, as it fills it in for a pod."""
    [rule] = yaml.safe_load((HERE / "prometheus-adapter.yml").read_text("utf-8"))["rules"]
    name = rule["name"]["as"]
    assert name in known()
    assert rule["seriesQuery"] == f'{name}{{namespace!="",pod!=""}}'
    written = (HERE / "prometheus.yml").read_text("utf-8")
    for label, resource in rule["resources"]["overrides"].items():
        assert label == resource["resource"]
        assert f"target_label: {label}}}" in written
    query = rule["metricsQuery"].replace("<<.Series>>", name).replace("<<.GroupBy>>", "pod")
    asked = query.replace("<<.LabelMatchers>>", 'namespace="gbike",pod=~"billing-1|billing-2"')
    rules = tmp_path / "asked.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": [{"record": "asked", "expr": asked}]}]}))
    done = run(promtool, "check", "rules", rules)
    assert done.returncode == 0, done.stdout + done.stderr


def _jobs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((HERE / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    return found
