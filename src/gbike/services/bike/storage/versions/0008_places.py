"""When and by whom a bike's point was known, whether it is stale, and the places that are known."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column
from gbike.kit.text import natural, same_name, tidied

revision = "0008"
down_revision = "0007"
PLACES = sa.table("places", *map(sa.column, ("key", "name", "sort", "lat", "lon", "learned_by", "at_ms")))


def upgrade() -> None:
    """Half a position is none. What no rider named or measured (nobody left it there) teaches the places."""
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
    bikes = sa.table("bikes", *map(sa.column, ("bikeid", "location", "lat", "lon", "left_by", "seen_ms", "place_sort")))
    named = sa.select(bikes).where(bikes.c.location.is_not(None)).order_by(bikes.c.bikeid)
    places: dict[str, dict[str, object]] = {}
    for bike in bind.execute(named).mappings().all():
        name = tidied(bike["location"])
        here = bikes.update().where(bikes.c.bikeid == bike["bikeid"])
        bind.execute(here.values(location=name, place_sort=natural(name)))
        if name is None or bike["left_by"] is not None:
            continue
        place = places.setdefault(same_name(name), {"name": name, "lat": None, "lon": None})
        if place["lat"] is None:
            place.update(lat=bike["lat"], lon=bike["lon"], at_ms=bike["seen_ms"] or 0)
    for key, place in places.items():
        fixed = {"key": key, "sort": natural(str(place["name"])), "learned_by": "registration"}
        bind.execute(PLACES.insert().values(**fixed, **place))
