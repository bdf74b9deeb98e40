"""The places that are known, in SQL: by name, by point, and how many bikes are free at each."""

from typing import NamedTuple

from msgspec.structs import replace

from gbike.kit.positions import FAR_SQUARED, Fault
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Tx
from gbike.kit.text import natural, same_name
from gbike.services.bike.domain import NoSuchPlace
from gbike.services.bike.storage import APART, AVAILABLE, apart_from, escaped

_FREE = f"(SELECT place_sort, count(*) AS bikes FROM bikes WHERE {AVAILABLE} GROUP BY place_sort) AS free"


class KnownPlace(NamedTuple):
    """A place that staff told of, and how many bikes that are available were left there, by their text."""

    name: str
    lat: float | None
    lon: float | None
    bikes: int = 0
    noposition: str | None = None
    """Why a position that came just now is none; kept nowhere."""

    @property
    def position(self) -> tuple[float, float] | None:
        """North, east; None: only its name is known."""
        return None if self.lat is None or self.lon is None else (self.lat, self.lon)


def find(read: Reading, key: str) -> KnownPlace | None:
    """The place of this name, as `same_name` has it."""
    row = read.one("SELECT name, lat, lon FROM places WHERE key = ?", (key,))
    return KnownPlace(*row) if row else None


def load(read: Reading, name: str) -> KnownPlace:
    """The place of this name, with its bikes. Raises NoSuchPlace."""
    row = read.one(f"{_LISTED.select} WHERE key = ?", (_asked(name),))
    if row is None:
        raise NoSuchPlace
    return KnownPlace(*row)


def position(read: Reading, key: str) -> tuple[float, float] | None:
    """The point of the place of this name, where one is known."""
    known = find(read, key)
    return known and known.position


def misplaced(read: Reading, lat: float, lon: float) -> Fault | None:
    """Whether a position is far from every place that has a point, or is near one only when it is swapped."""
    near = f"EXISTS (SELECT 1 FROM places WHERE {APART} <= ?)"
    row = read.one(  # in one look: between two somebody may tell of the first place
        f"SELECT CASE WHEN {near} OR NOT EXISTS (SELECT 1 FROM places WHERE lat IS NOT NULL) THEN NULL"
        f" WHEN {near} THEN '{Fault.SWAPPED}' ELSE '{Fault.FAR}' END",
        (*apart_from(lat, lon), FAR_SQUARED, *apart_from(lon, lat), FAR_SQUARED),
    )
    return Fault(row[0]) if row and row[0] else None


def is_any_positioned(read: Reading) -> bool:
    """Whether the point of any place is known."""
    return read.one("SELECT 1 FROM places WHERE lat IS NOT NULL LIMIT 1") is not None


def keep(tx: Tx, name: str, at: tuple[float, float] | None, by: str, *, moves: bool) -> None:
    """A new place, or a known one as it is now. `moves`: also where its point is known otherwise."""
    lat, lon = at or (None, None)
    tx.execute(
        "INSERT INTO places (key, name, sort, lat, lon, learned_by, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET name = excluded.name, lat = excluded.lat, lon = excluded.lon,"
        " learned_by = excluded.learned_by, at_ms = excluded.at_ms"
        f" WHERE excluded.lat IS NOT NULL AND {'true' if moves else 'places.lat IS NULL'}",
        (same_name(name), name, natural(name), lat, lon, by, tx.now_ms),
    )


_LISTED = Listing(
    select=f"SELECT name, lat, lon, coalesce(bikes, 0) FROM places LEFT JOIN {_FREE} ON free.place_sort = places.sort",
    sortable={"name": "sort", "bikes": "coalesce(bikes, 0)"},
    order="sort",
    counters=None,
    whole=True,
    key="places.key",
    make=lambda row: KnownPlace(*row),
)


def found(text: str | None, near: tuple[float, float] | None) -> Listing:
    """The places whose name has this text in it, all without one. Those `near` a point come first, those without a
    point last."""
    listing = _LISTED
    if text is not None:
        listing = replace(listing, where="WHERE key LIKE ? ESCAPE '!'", params=(f"%{escaped(_asked(text))}%",))
    if near is not None:
        order = f"CASE WHEN lat IS NULL THEN 1 ELSE 0 END, {APART}, sort"
        listing = replace(listing, order=order, order_params=apart_from(*near))
    return listing


def _asked(text: str) -> str:
    """The name that somebody asks for; no name has a zero byte, and PostgreSQL takes none."""
    return same_name(text.replace("\x00", ""))
