"""Where things are in a run, and what people's phones tell of it: with noise, late, from elsewhere, or not at all."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from unicodedata import normalize

from gbike.kit.clock import rfc3339

M_PER_DEGREE = 111_195
Point = tuple[float, float]
"""Degrees north and east."""
CENTRES: tuple[Point, ...] = ((37.3670, 127.1083), (37.3886, -5.9953))
"""One town where north and east can't be taken for each other, and one where they can."""
NAMES = ("정자역", "서현역 10호", "서현역 9호", "도착역", "depot", "판교역 앞")
"""Places that staff may tell of."""
ELSEWHERE = ("강가", "편의점 앞", "집", "behind the school")
"""What riders write that names no place."""
SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: name,
    lambda name: normalize("NFD", name),
    lambda name: name + " ",
    lambda name: "\t" + normalize("NFD", name) + "\u00a0",
    lambda name: name.replace(" ", "  ").upper(),
)
FRESH = "fresh"
OLD = "old"
KINDS = (FRESH,) * 8 + ("none",) * 6 + (OLD,) * 3 + ("zero", "north", "east", "swapped", "far", "coarse")
"""What comes with a return, by how often."""


def apart_m(one: Point, other: Point) -> float:
    """Metres between two points of a town."""
    east = (one[1] - other[1]) * math.cos(math.radians(one[0]))
    return math.hypot(one[0] - other[0], east) * M_PER_DEGREE


@dataclass(frozen=True)
class Telling:
    """What somebody tells of where a bike is. `by`: the rider's number, None: staff."""

    kind: str
    stood: Point
    """Where they truly are."""
    body: dict[str, Any]
    by: int | None = None
    bound_m: float = 0.0
    """How far from there the position may be that they send."""
    age_ms: int = 0
    """How long before the tap it was measured."""

    @property
    def text(self) -> str | None:
        """The text, as it is to be kept."""
        return normalize("NFC", self.body.get("endlocation") or self.body.get("location") or "").strip() or None

    @property
    def point(self) -> Point | None:
        """The position that is sent, be it right or wrong."""
        lat, lon = self.body.get("lat"), self.body.get("lon")
        return None if lat is None or lon is None else (lat, lon)

    def __str__(self) -> str:
        return f"{self.text!r}:{self.kind}:{self.point}"


class Town:
    """The places, and people who stand somewhere in it. Its dice are its own: who tells what changes nothing of what
    goes wrong in a run."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._centre = rng.choice(CENTRES)
        self.somebody_leaves = rng.random() < 0.4
        """Whether a rider is forgotten during the run."""
        self.places = {name: self._somewhere(2_000) for name in NAMES}

    def _somewhere(self, within_m: float, centre: Point | None = None) -> Point:
        """A point so near to another, the centre where none is named; kept as phones do, to six decimals."""
        lat, lon = centre or self._centre
        far, angle = within_m * math.sqrt(self._rng.random()) / M_PER_DEGREE, math.tau * self._rng.random()
        east = far * math.sin(angle) / math.cos(math.radians(lat))
        return round(lat + far * math.cos(angle), 6), round(lon + east, 6)

    def at_a_return(self, userid: int, number: int, now_ms: int) -> Telling:
        """What a rider tells at the tap: a text, a position, both or neither, and not always the truth. `now_ms`: what
        the page knows of the service's time."""
        rng = self._rng
        kind, body = rng.choice(KINDS), dict[str, Any]()
        stood = self._somewhere(3_000)
        chance = rng.random()
        if chance < 0.45:
            name = rng.choice(NAMES)
            stood = self.places[name] if rng.random() < 0.8 else stood
            body["endlocation"] = rng.choice(SPELLINGS)(name)
        elif chance < 0.65:
            body["endlocation"] = f"{rng.choice(ELSEWHERE)} {number}"
        else:
            body |= rng.choice(
                ({"endlocation": ""}, {"status": "returned"}, {"endlocation": " ", "status": "returned"})
            )
        if kind not in (FRESH, OLD):
            body |= self._mistaken(kind, stood)
            return Telling(kind, stood, body, userid)
        age_ms = rng.randint(0, 30_000) if kind == FRESH else rng.randint(90_000, 3_600_000)
        bound_m = rng.choice((5.0, 12.5, 30.0, 80.0))
        measured = self._somewhere(bound_m, stood if kind == FRESH else self._elsewhere(stood))
        body |= {"lat": measured[0], "lon": measured[1]}
        if kind == OLD or rng.random() < 0.8:
            body |= {"accuracy": bound_m, "measuredat": rfc3339(now_ms - age_ms)}
        return Telling(kind, stood, body, userid, bound_m=bound_m, age_ms=age_ms)

    def at_a_visit(self) -> Telling:
        """What an operator tells who registers a bike or puts one back: a text always, a position mostly."""
        if self._rng.random() < 0.2:
            return self.at(self._rng.choice(ELSEWHERE), self._rng.choice((FRESH, "none")))
        return self.at(
            self._rng.choice(NAMES), self._rng.choice((FRESH, FRESH, "none", "zero", "north", "swapped", "far"))
        )

    def at(self, name: str, kind: str = FRESH) -> Telling:
        """What an operator tells who stands at the place of this name."""
        stood, bound_m = self.places.get(name) or self._somewhere(2_000), 15.0
        body = {"location": self._rng.choice(SPELLINGS)(name)}
        if kind == FRESH:
            lat, lon = self._somewhere(bound_m, stood)
            return Telling(kind, stood, {**body, "lat": lat, "lon": lon}, bound_m=bound_m)
        return Telling(kind, stood, body | self._mistaken(kind, stood))

    def _elsewhere(self, stood: Point) -> Point:
        """Where the phone was before: some hundred metres away at least."""
        while apart_m(before := self._somewhere(3_000), stood) < 300:
            pass
        return before

    def _mistaken(self, kind: str, stood: Point) -> dict[str, Any]:
        """A position that is none."""
        lat, lon = stood
        return {
            "none": {},
            "zero": {"lat": 0.0, "lon": 0.0},
            "north": {"lat": lat},
            "east": {"lon": lon},
            "swapped": {"lat": lon, "lon": lat},
            "far": {"lat": lat - 4.0, "lon": lon + 3.0},
            "coarse": {"lat": lat, "lon": lon, "accuracy": 1_500.0},
        }[kind]
