"""A bike's label: what stands on it beside its number, of letters; nobody else's, whatever the case."""

import pytest

from gbike.kit.numbers import MAX_ID
from gbike.services.bike.commands import register_a_labelled_bike
from gbike.services.bike.domain import Bike, LabelTaken, Location, Status, a_new_bike, as_label
from gbike.services.bike.wiring import SPEC
from tests.services.lone import Lone


@pytest.mark.parametrize(
    "text", ["SPB-03001", "spb-03001", "a", "1a", "-a-", "a" * 36, "0b0c1d2e-0000-4000-8000-00000000000f"]
)
def test_a_label_has_a_letter_and_is_kept_in_capitals(text: str) -> None:
    assert as_label(text) == text.upper()


@pytest.mark.parametrize("text", ["", "7", "007", "1-2", "-", "a b", "a_b", "가", "ａ", "a" * 37, "a\n"])
def test_what_is_no_label(text: str) -> None:
    assert as_label(text) is None


async def test_a_bike_is_found_by_its_label_in_any_case() -> None:
    lone = Lone(SPEC)
    made = await lone.client.post("/bikes", {"bikeid": 7, "label": "spb-03001"})
    assert (made.status, made.json["label"]) == (201, "SPB-03001")
    for label in ("SPB-03001", "spb-03001"):
        found = await lone.client.get(f"/bikes/search/findByLabel?label={label}")
        assert (found.status, found.json["bikeid"], found.json["label"]) == (200, 7, "SPB-03001")
    unknown = await lone.client.get("/bikes/search/findByLabel?label=SPB-3001")
    assert (unknown.status, unknown.json["type"]) == (404, "/docs/status-codes#bike-unknown")
    for wrong in ("", "?label=", "?label=7", "?label=a%20b"):
        assert (await lone.client.get(f"/bikes/search/findByLabel{wrong}")).status == 422


async def test_two_bikes_never_have_the_same_label() -> None:
    lone = Lone(SPEC)
    for bikeid in (7, 8):
        await lone.client.post("/bikes", {"bikeid": bikeid})
    assert (await lone.client.patch("/bikes/7", {"label": "SPB-1"})).json["label"] == "SPB-1"
    for reply in (
        await lone.client.post("/bikes", {"bikeid": 9, "label": "spb-1"}),
        await lone.client.patch("/bikes/8", {"label": "SPB-1"}),
        await lone.client.put("/bikes/8", {"label": "Spb-1"}),
    ):
        assert (reply.status, reply.json["type"], reply.json["label"]) == (
            409,
            "/docs/status-codes#label-taken",
            "SPB-1",
        )
    assert (await lone.client.get("/bikes/9")).status == 404
    assert (await lone.client.patch("/bikes/7", {"label": "spb-1"})).status == 200
    assert (await lone.client.patch("/bikes/7", {"label": "7"})).status == 422


async def test_a_label_stays_until_it_is_taken_off() -> None:
    """As the number it is what the bike is called, so a PUT that does not name it leaves it."""
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 7, "label": "SPB-1"})
    for reply in (
        await lone.client.patch("/bikes/7", {"batterylevel": 50}),
        await lone.client.put("/bikes/7", {"batterylevel": 60}),
    ):
        assert reply.json["label"] == "SPB-1"
    assert (await lone.client.patch("/bikes/7", {"label": None})).json["label"] is None
    assert (await lone.client.post("/bikes", {"bikeid": 8, "label": "SPB-1"})).status == 201


async def test_what_was_said_of_a_bike_tells_its_label() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 7, "label": "SPB-1"})
    await lone.client.patch("/bikes/7", {"label": "SPB-2"})
    page = (await lone.client.get("/bikes/7/events")).json["_embedded"]["events"]
    assert [(event["type"], event["facts"]["label"]) for event in page] == [
        ("UpdatedBike", "SPB-2"),
        ("RegisteredBike", "SPB-1"),
    ]


def unnumbered(label: str) -> Bike:
    return a_new_bike(0, Status.AVAILABLE, Location(), None, label)


async def test_a_bike_that_has_a_label_only_gets_the_next_number() -> None:
    lone = Lone(SPEC)
    given = [(await lone.store.write(register_a_labelled_bike, unnumbered(f"SPB-{n}"))).bikeid for n in (1, 2)]
    await lone.client.post("/bikes", {"bikeid": 500})
    await lone.client.post("/bikes/500/retirement")
    given.append((await lone.store.write(register_a_labelled_bike, unnumbered("SPB-3"))).bikeid)
    assert given == [1, 2, 501]
    with pytest.raises(LabelTaken):
        await lone.store.write(register_a_labelled_bike, unnumbered("SPB-3"))
    await lone.client.post("/bikes", {"bikeid": MAX_ID})
    assert (await lone.store.write(register_a_labelled_bike, unnumbered("SPB-4"))).bikeid == 3
