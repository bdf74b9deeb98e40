"""The figures of docs/operate/slo.md and scale.md follow from each other, and the rules have the goals of the page."""

import re

import pytest

from gbike.kit.messaging.bus import KEEP_MS
from gbike.kit.messaging.kafka.topic import PARTITIONS
from gbike.kit.storage.postgres.store import READERS, SCANS, WRITERS
from gbike.kit.storage.retention import DAY_MS, FLOOR
from gbike.services.user_deposit.storage.drift import DRIFT_BATCH
from tests.observability.test_rules import ALERTS, ROOT

DOCS = ROOT / "docs"
SLO, SCALE = (DOCS / "operate/slo.md").read_text("utf-8"), (DOCS / "operate/scale.md").read_text("utf-8")
SCALING = (DOCS / "operate/scaling.md").read_text("utf-8")
YEAR_S, MONTH_S = 365.25 * 86_400, 30 * 86_400
RIDES_A_DAY = 10_000_000 * 5
RIDES_S = RIDES_A_DAY * 0.12 / 3_600 * 1.5


def cells(text: str, first: str) -> list[str]:
    """The cells of the first table row that begins like this."""
    row = next(line for line in text.splitlines() if line.startswith(f"| {first}"))
    return [cell.strip() for cell in row.strip("| ").split(" | ")]


def seconds(told: str) -> float:
    """`5 min 16 s` as seconds."""
    units = {"days": 86_400, "h": 3_600, "min": 60, "s": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) (days|h|min|s)\b", told))


@pytest.mark.parametrize("goal", ["99.999", "99.99", "99.9", "60"])
def test_what_a_goal_allows(goal: str) -> None:
    [row] = re.findall(rf"^\| {re.escape(goal)} % \| ([^|]+)\| ([^|]+)\| ([^|]+)\|$", SLO, re.MULTILINE)
    share = 1 - float(goal) / 100
    for told, of_s in zip(row, (YEAR_S, MONTH_S, 86_400), strict=True):
        assert seconds(told) == pytest.approx(share * of_s, rel=0.05)


def test_the_rules_have_the_goals_of_the_page() -> None:
    core, settlement = ALERTS["GbikeCoreBudgetBurning"]["expr"], ALERTS["GbikeSettlementSlow"]["expr"]
    for promql, goal in ((core, 0.99999), (settlement, 0.99)):
        shares = [float(share) for share in re.findall(r"\* (0\.\d+)", promql)]
        assert shares == pytest.approx([1 - goal] * 4)
    assert "**99.999 %**" in SLO
    assert "99 % within 30 s" in SLO
    assert pytest.approx(2, rel=0.05) == 30 / 14.4  # a month's budget lasts 2 days
    assert "14.4 times the allowed share it lasts 2 days" in SLO.replace("\n", " ")


def test_the_bytes_of_a_ride_add_up() -> None:
    for_ever = 0
    for first in ("rents, bills", "the view's facts", "outbox", "answers under", "inbox", "tombstones"):
        *parts, total, kept = cells(SCALE, first)[1:]
        numbers = [int(part.replace(",", "")) for part in parts if part]
        assert sum(numbers) == int(total.replace(",", "")), first
        for_ever += sum(numbers) if kept == "for ever" else 0
    assert f"**{RIDES_A_DAY * for_ever / 1e9:.0f} GB a day" in SCALE
    assert f"{RIDES_A_DAY * for_ever * 365 / 1e12:.0f} TB a year**" in SCALE
    assert f"{for_ever / 1000:.1f} kB a ride for ever" in SCALE


def test_what_is_kept_is_kept_as_long_as_the_code_says() -> None:
    days = [int(cells(SCALE, first)[-1].split(" ")[0]) for first in ("outbox", "inbox", "answers under")]
    assert days == [keeping.keep_ms // DAY_MS for keeping in FLOOR[:3]]
    assert f"kept {KEEP_MS // DAY_MS} days, times its replication" in SCALE


def test_processes_and_cores_follow_from_the_rides() -> None:
    costs = SCALE.partition("## 10 million")[0]
    row = r"\| (rent|bike|billing|userDeposit|the view|PostgreSQL|Kafka|Envoy) \| ([\d.]+) \|"
    ms = {name: float(value) for name, value in re.findall(row, costs)}
    assert len(ms) == 8
    assert sum(ms.values()) == pytest.approx(7.1, abs=0.5)  # the supervisor has the rest
    assert f"**{RIDES_S:,.0f}**" in SCALE
    assert f"**{2 * RIDES_S * 7.1 / 1000:.0f} cores** planned" in SCALE
    for name, told in (("rent", 6), ("bike", 6), ("billing", 4), ("userDeposit", 3), ("the view", 3)):
        needed = 2 * RIDES_S * ms[name] / 1000
        assert told - 1 < needed <= told, name
    assert f"there are {PARTITIONS}" in SCALE


def test_connections_and_the_round_of_the_ledger() -> None:
    assert f"({WRITERS} write, {READERS} read, {SCANS} scan, 1 wants to lead)" in SCALING
    assert f"up to {WRITERS + READERS + SCANS + 1} connections" in SCALING
    assert f"{DRIFT_BATCH // 5} riders a second" in SCALE


def test_every_page_of_operating_is_in_its_index() -> None:
    home = ROOT / "docs/operate"
    index = (home / "README.md").read_text("utf-8")
    ours = {"cluster.md", "data.md", "scaling.md", "upgrading.md", "watching.md"}
    assert ours <= {page.name for page in home.glob("*.md")}
    assert [page for page in ours if page not in index] == []
