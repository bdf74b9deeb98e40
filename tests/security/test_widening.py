"""Nobody widens a list to another's rows: by no filter, by no finder, and not by taking it as a file."""

import csv
import io
from collections.abc import AsyncIterator

import pytest

from gbike.kit.http.app import Operation
from gbike.run.event_map import build_all
from tests.security.asking import Things
from tests.security.test_matrix import InMemory
from tests.support import Reply


@pytest.fixture
async def stage() -> AsyncIterator[InMemory]:
    """Everybody, and everything that is theirs."""
    made = InMemory()
    await made.prepare()
    yield made
    await made.locked.whole.stop()


def lists_of_ones_own() -> list[Operation]:
    """The lists that people ask for and see what is theirs in."""
    return [one for part in build_all() for one in part.service.operations if one.paged and one.rule.own]


def ways(one: Operation, of: Things) -> list[str]:
    """Every way to ask for what is theirs: plainly, and narrowed to it by each filter."""
    path = one.path.format(**of._asdict())
    if one.finder:
        return [f"{path}?{one.finder}={getattr(of, one.finder)}"]
    texts = {name: str(getattr(of, name)) for name in one.filters if name in of._fields}
    texts |= {name: text for name, text in (("from", "2000-01-01"), ("to", "2099-01-01")) if name in one.filters}
    every = "&".join(f"{name}={text}" for name, text in texts.items())
    return [path, *(f"{path}?{name}={text}" for name, text in texts.items()), *([f"{path}?{every}"] if texts else [])]


def rows(reply: Reply) -> int:
    """How many rows an answer has, and none where it is refused."""
    if reply.status in (403, 404):
        return 0
    assert reply.status == 200, reply
    if reply.headers["content-type"].startswith("text/csv"):
        return len(list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))) - 1
    return sum(len(found) for found in reply.json["_embedded"].values())


async def test_no_filter_finder_or_file_shows_another_s_rows(stage: InMemory) -> None:
    """Who asks has no ride, bill, deposit or report: any row is another's. Whose they are sees them so."""
    (_, rider), (_, manager) = stage._rider_ids, stage._manager_ids
    seen = set()
    for one in lists_of_ones_own():
        of = stage.managers if "bikeManage" in one.path else stage.riders
        if of is stage.managers:
            own = stage.issuer.token(of.userid, "rider", "bikeManager", managerid=of.managerid)
            another = stage.issuer.token(manager, "rider", "bikeManager", managerid=4_444)
        else:
            own = stage.issuer.token(of.userid, "rider")
            another = stage.issuer.token(rider, "rider")
        for way in ways(one, of):
            for target in (way, f"{way}{'&' if '?' in way else '?'}format=csv"):
                assert rows(await stage.gateway(another).get(target)) == 0, target
                if rows(await stage.gateway(own).get(target)):
                    seen.add(one.path)
    nothing_yet = {"/billings/{billid}/corrections"}
    assert seen == {one.path for one in lists_of_ones_own()} - nothing_yet
