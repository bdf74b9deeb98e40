"""A bike against a small model of it: whatever riders, staff and late messages do, it is ridden by one rent at most."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.rent import RentCancelled, Returned
from gbike.services.bike.wiring import SPEC
from tests.services.lone import NOON, Lone, examples

RENTS = st.integers(1, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["reserve", "return", "cancel"]), RENTS),
        st.tuples(st.just("report"), st.sampled_from([0, 1])),
        st.tuples(st.just("mark"), st.sampled_from([0, 1, 2])),
        st.tuples(st.sampled_from(["hold", "let go"]), st.sampled_from(["staff", "workshop"])),
    ),
    max_size=30,
)
WORDS = ("사용가능", "사용중", "불량")


@dataclass
class Model:
    """What the bike should be."""

    rent: int | None = None
    holders: set[str] = field(default_factory=set)
    broken: bool = False
    buried: dict[int, int] = field(default_factory=dict)
    """Rents that may not have the bike any more, and what each is answered."""

    @property
    def status(self) -> str:
        return WORDS[1] if self.rent or self.holders else WORDS[2] if self.broken else WORDS[0]

    def reserve(self, rent: int) -> int:
        """What a rent is answered."""
        if rent in self.buried:
            return self.buried[rent]
        if self.rent == rent:
            return 200
        if self.status != WORDS[0]:
            self.buried[rent] = 409
            return 409
        self.rent = rent
        return 200

    def end(self, rent: int) -> None:
        """The rent is over, or never began."""
        self.buried.setdefault(rent, 410)
        if self.rent == rent:
            self.rent = None

    def mark(self, word: str) -> int:
        """What an operator is answered."""
        if word == self.status:
            return 200
        if word == WORDS[0] and self.rent:
            return 409
        self.holders = self.holders | {"staff"} if word == WORDS[1] else self.holders - {"staff"}
        self.broken = word == WORDS[2] or (word == WORDS[1] and self.broken)
        return 200


async def take(lone: Lone, model: Model, what: str, number: Any, n: int) -> None:
    """One step of both; they answer alike."""
    match what:
        case "reserve":
            reply = await lone.client.put(f"/internal/bikes/1/reservations/{number}")
            assert reply.status == model.reserve(number)
        case "return":
            await lone.tell(Returned(rentid=number, userid=1, bikeid=1, status="returned", endtime=NOON))
            model.end(number)
        case "cancel":
            await lone.tell(RentCancelled(rentid=number, userid=1, bikeid=1, reason="x"))
            model.end(number)
        case "report":
            body = {"batterylevel": 50, "usableyn": bool(number)}
            assert (await lone.client.put(f"/internal/bikes/1/reports/{n + 1}", body)).status == 200
            model.broken = not number
        case "hold":
            assert (await lone.client.put(f"/bikes/1/holds/{number}", {"reason": "brake"})).status == 200
            model.holders.add(number)
        case "let go":
            status = (await lone.client.send("DELETE", f"/bikes/1/holds/{number}")).status
            assert status == (200 if number in model.holders else 404)
            model.holders.discard(number)
        case _:
            assert (await lone.client.patch("/bikes/1", {"status": WORDS[number]})).status == model.mark(WORDS[number])


@examples(60)
@given(STEPS)
async def test_a_bike_is_what_its_model_says_after_every_step(steps: list[tuple[str, Any]]) -> None:
    lone, model = Lone(SPEC), Model()
    await lone.client.post("/bikes", {"bikeid": 1})
    for n, (what, number) in enumerate(steps):
        await take(lone, model, what, number, n)
        here = (model.rent, len(model.holders), model.broken)
        assert await lone.rows("SELECT rentid, held, broken FROM bikes") == [here]
        assert {holder for (holder,) in await lone.rows("SELECT holder FROM holds")} == model.holders
        assert (await lone.client.get("/bikes/1")).json["status"] == model.status
    assert {row[0] for row in await lone.rows("SELECT rentid FROM tombstones")} == model.buried.keys()
    versions = [published["version"] for published in await lone.published()]
    assert versions == sorted(set(versions)), "each change has a version of its own, in order"
    await lone.stop()
