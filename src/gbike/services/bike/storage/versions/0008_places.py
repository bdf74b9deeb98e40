"""When and by whom a bike's point was known, whether it is stale, and the places that are known."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column
from gbike.kit.text import natural, same_name, tidied

revision = "0008"
down_revision = "0007"
BATCH = 1_000
FACTS = ("bikeid", "location", "lat", "lon", "left_by", "seen_ms", "version", "place_sort")
BIKES = sa.table("bikes", *map(sa.column, FACTS))
PLACES = sa.table("places", *map(sa.column, ("key", "name", "sort", "lat", "lon", "learned_by", "at_ms")))


def upgrade() -> None:
    """Half a position is none. Bikes that no rider left where they are teach the places."""
    op.add_column("bikes", ms_column("point_at_ms", nullable=True))
    op.add_column("bikes", sa.Column("point_by", sa.Text))
    op.add_column("bikes", sa.Column("accuracy_m", sa.Double))
    op.add_column("bikes", sa.Column("stale", sa.Integer, nullable=False, server_default="0"))
    op.add_column("bikes", sa.Column("point_of", sa.BigInteger))
    op.add_column("bikes", sa.Column("place_sort", sa.Text))
    op.create_table(
        "places",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("lat", sa.Double),
        sa.Column("lon", sa.Double),
        sa.Column("learned_by", sa.Text, nullable=False),
        ms_column("at_ms"),
    )
    op.execute("UPDATE bikes SET point_of = left_by")
    op.execute("UPDATE bikes SET lat = NULL, lon = NULL WHERE lat IS NULL OR lon IS NULL OR (lat = 0 AND lon = 0)")
    _carry_over()


def _carry_over() -> None:
    bind = op.get_bind()
    rename = BIKES.update().where(BIKES.c.bikeid == sa.bindparam("number"))
    rename = rename.values(location=sa.bindparam("name"), place_sort=sa.bindparam("natural"))
    named = sa.select(BIKES).where(BIKES.c.location.is_not(None)).order_by(BIKES.c.bikeid).limit(BATCH)
    places: dict[str, dict[str, Any]] = {}
    after = 0
    while bikes := bind.execute(named.where(BIKES.c.bikeid > after)).mappings().all():
        names = [(bike["bikeid"], tidied(bike["location"])) for bike in bikes]
        bind.execute(rename, [{"number": bikeid, "name": name, "natural": natural(name)} for bikeid, name in names])
        for bike, (_, name) in zip(bikes, names, strict=True):
            if name is not None and bike["left_by"] is None:
                _learn(places.setdefault(same_name(name), {"name": name, "lat": None, "lon": None, "told": 0}), bike)
        after = bikes[-1]["bikeid"]
    learned = [(key, place) for key, place in places.items() if place.pop("told") > 1]
    fixed = {"learned_by": "registration"}
    rows = [{**place, **fixed, "key": key, "sort": natural(place["name"])} for key, place in learned]
    for start in range(0, len(rows), BATCH):
        bind.execute(PLACES.insert(), rows[start : start + BATCH])


def _learn(place: dict[str, Any], bike: Mapping[Any, Any]) -> None:
    """A registration counts for two: before step 3 nobody knew whose ride left a bike, so one word may be a rider's."""
    place["told"] += 2 if bike["version"] == 1 else 1
    if place["lat"] is None:
        place.update(lat=bike["lat"], lon=bike["lon"], at_ms=bike["seen_ms"] or 0)
