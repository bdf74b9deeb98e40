"""What goes wrong in a run, drawn from its seed: some runs have no faults, some one kind, some all of them (swarm)."""

from dataclasses import dataclass, fields, replace
from random import Random


@dataclass(frozen=True)
class Swarm:
    """The rates of one run's faults (shares of 1), and who takes part."""

    lost: float = 0.0
    """Requests, and replies, that never arrive."""
    refused: float = 0.0
    """Connections that are refused at once."""
    doubled: float = 0.0
    """Calls between services that arrive a second time, some time later."""
    slow: float = 0.0
    """Requests and replies with the long tail (up to 12 s)."""
    bus_down: float = 0.0
    """Appends that fail, half of them after the log has them; and reads that fail."""
    held_back: float = 0.0
    """Messages that a consumer is given later than those behind them."""
    redelivered: float = 0.0
    """Batches that come with messages the consumer has had before."""
    disk: float = 0.0
    """Commits that fail."""
    crash_every: int = 0
    """Steps between two crashes, about; 0 for none."""
    stall_every: int = 0
    """Steps between two stalls of a whole node, about; 0 for none."""
    bike_hangs: bool = False
    """The bike service stops for seconds, again and again."""
    skew_ms: int = 0
    """How far the nodes' wall clocks are apart, at most."""
    steps_ms: int = 0
    """How far a wall clock is set back or forward now and then, at most."""
    tariffs: bool = False
    """The tariff changes while people ride, also while billing is down."""
    offline: float = 0.0
    """Returns that are tapped without a line and sent when it is back."""
    by_changes: bool = False
    """Reports are paid as in the secure forms: for what changed, and not without end."""
    minimum: int = 0
    """Won that a rider must have to begin a ride; 0: nothing."""
    riders: int = 4
    bikes: int = 3
    managers: int = 2
    holders: int = 0
    """Who keeps bikes out of service, each under a name of their own."""
    complainers: int = 0
    """Who complains of bikes."""
    actions: int = 6
    most_open: int = 0
    """Open rents a rider may have; 0 for no limit."""
    narrow: bool = False
    """Only one call to bike at a time, and one that waits."""
    keyed: float = 0.6
    """Requests with an Idempotency-Key."""

    @property
    def harmless(self) -> bool:
        """Nothing at all goes wrong."""
        rates = (
            self.lost,
            self.refused,
            self.slow,
            self.bus_down,
            self.disk,
            self.steps_ms,
        )  # a deadline is a time of day
        restarts = self.crash_every or self.stall_every or self.bike_hangs or self.tariffs
        return not (any(rates) or restarts or self.narrow)

    def healed(self) -> "Swarm":
        """The same people, and nothing goes wrong any more."""
        calm = Swarm()
        people = ("riders", "bikes", "managers", "holders", "complainers", "actions", "keyed")
        kept = (*people, "most_open", "narrow", "by_changes", "minimum")
        return replace(calm, **{field.name: getattr(self, field.name) for field in fields(self) if field.name in kept})


def draw(rng: Random) -> Swarm:
    """The swarm of a seed: each kind of fault is there in about half of the runs, weak or strong."""
    strength = rng.choice((0.0, 0.3, 1.0, 1.0))

    def rate(most: float) -> float:
        return most * rng.random() * strength if rng.random() < 0.5 else 0.0

    def every(least: int) -> int:
        return int(least / max(strength, 0.1) * (1 + 3 * rng.random())) if strength and rng.random() < 0.6 else 0

    return Swarm(
        lost=rate(0.15),
        refused=rate(0.1),
        doubled=rate(0.3),
        slow=rate(0.4),
        bus_down=rate(0.4),
        held_back=rate(0.8),
        redelivered=rate(0.8),
        disk=rate(0.1),
        crash_every=every(200),
        stall_every=every(400),
        bike_hangs=strength > 0 and rng.random() < 0.25,
        skew_ms=rng.choice((0, 0, 1_000, 3_600_000)),
        steps_ms=rng.choice((0, 0, 0, 3_000, 3 * 3_600_000)) if strength else 0,
        tariffs=rng.random() < 0.4,
        offline=rng.choice((0.0, 0.0, 0.3)),
        by_changes=rng.random() < 0.5,
        minimum=rng.choice((0, 0, 1_000)),
        riders=rng.randint(2, 6),
        bikes=rng.randint(1, 4),
        managers=rng.randint(1, 3),
        actions=rng.randint(4, 14),
        most_open=rng.choice((0, 0, 1)),
        narrow=rng.random() < 0.2,
        keyed=rng.choice((0.0, 0.5, 0.8, 1.0)),
        holders=rng.choice((0, 0, 2, 3)),
        complainers=rng.choice((0, 0, 1, 2)),
    )
