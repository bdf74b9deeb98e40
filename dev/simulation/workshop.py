"""Who keeps bikes out of service in a run, each under a name of their own, and what must be so: nobody lets go of the
hold of another."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from dev.simulation.history import Attempt
from dev.simulation.people import Person
from dev.simulation.seams import Seam, replaced
from gbike.services.bike import domain


class Workshop(Person):
    """Holds bikes, looks whether it still does, and lets go of them; now and then a bike is retired for a while."""

    async def live(self) -> None:
        """Every bike is free of them in the end, as far as they are heard."""
        for _ in range(self.swarm.actions // 2):
            await self.pause(6.0)
            bikeid = self.rng.randint(1, self.swarm.bikes)
            if self.rng.random() < 0.2:
                await self.act("retire", bikeid, "POST", "retirement")
                await self.pause(2.0)
                await self.act("back", bikeid, "DELETE", "retirement")
                continue
            mine = f"holds/{self.name}"
            await self.act("hold", bikeid, "PUT", mine)
            for _ in range(2):
                await self.pause(2.0)
                await self.ask("held", "bike", "GET", f"/bikes/{bikeid}/holds", None, bikeid=bikeid, holder=self.name)
            await self.act("letgo", bikeid, "DELETE", mine)

    async def act(self, op: str, bikeid: int, method: str, what: str) -> Attempt:
        """Ask until it is done."""
        body, facts = {"reason": f"{op} by {self.name}"}, {"bikeid": bikeid, "holder": self.name}
        send = partial(self.ask, op, "bike", method, f"/bikes/{bikeid}/{what}", content=body, key=self.key(), **facts)
        return await self.insist(send)


def wrong_with_holds(attempts: list[Attempt]) -> Iterator[str]:
    """I26: what somebody holds they hold until they let go. After a request to let go that nobody knows the end of,
    nothing is known of that hold."""
    state = dict[tuple[int, str], str]()
    for attempt in attempts:
        of = attempt.facts.get("bikeid", 0), attempt.facts.get("holder", "")
        if attempt.op == "letgo":
            state[of] = "unknown" if attempt.kind == "info" or state.get(of) == "unknown" else "gone"
        elif attempt.op == "hold" and attempt.kind == "ok" and state.get(of) != "unknown":
            state[of] = "held"
        elif attempt.op == "held" and attempt.kind == "ok" and state.get(of) == "held":
            told = attempt.answer["_embedded"]["holds"]
            if attempt.facts["holder"] not in [one["holder"] for one in told]:
                yield f"I26 somebody let go of the hold of another: {attempt.line()}"


def _all(original: Any) -> Any:
    def released(bike: domain.Bike, holder: str) -> domain.Bike:
        left: domain.Bike = original(bike, holder)
        return replace(left, held=0, holds=(), due_ms=None)

    return released


LETS_ALL_GO: Seam = replaced(domain, "released", _all)
"""Whoever lets go of a bike ends the holds of everybody."""
