"""Feeds of bikes as GBFS has them: free_bike_status of 2.x, vehicle_status of 3.0, as the rows of a table."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gbike.services.bike.domain import Status
from gbike.services.bike.importing.records import Record
from gbike.services.bike.importing.sheet import Unreadable

HEAD = ("bikeid", "station_id", "battery", "lat", "lon", "status")
_HALF_LETTER = re.compile("[\ud800-\udfff]")
"""What JSON's escapes can say and no encoding has."""


def vehicles_of(text: str) -> Sequence[Any]:
    """The bikes of the feed. Raises Unreadable."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise Unreadable("broken-json", {"why": str(wrong)}) from None
    data = feed.get("data")
    vehicles = next((data[name] for name in ("vehicles", "bikes") if name in data), None) if _is(data) else None
    if not isinstance(vehicles, list):
        raise Unreadable("not-gbfs", {})
    if not vehicles:
        raise Unreadable("empty-file", {})
    return vehicles


def records(vehicles: Sequence[Any]) -> Iterator[Record]:
    """Each bike as a record of HEAD's columns; `line`: its place in the list, from 1."""
    for at, vehicle in enumerate(vehicles, 1):
        yield Record(at, _cells(vehicle if _is(vehicle) else {}))


def _cells(vehicle: Mapping[str, Any]) -> list[str]:
    texts = [_text(vehicle.get(name)) for name in ("station_id", "lat", "lon")]
    number = _text(vehicle.get("vehicle_id", vehicle.get("bike_id")))
    return [number, texts[0], _battery(vehicle.get("current_fuel_percent")), *texts[1:], _status(vehicle)]


def _battery(share: Any) -> str:
    """0 to 1, which GBFS calls a percent; a number beyond stays as it is, with a mark that it is none."""
    if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1:
        return f"{round(share * 100)}"
    return "" if share is None else f"{share} (0-1)"


def _status(vehicle: Mapping[str, Any]) -> str:
    """A reserved bike is out of service until staff puts it in: its reservation is not ours."""
    if vehicle.get("is_disabled") in (True, 1):
        return Status.BROKEN.value
    return (Status.IN_USE if vehicle.get("is_reserved") in (True, 1) else Status.AVAILABLE).value


def _text(value: Any) -> str:
    return "" if value is None else _HALF_LETTER.sub("\ufffd", str(value)).strip()


def _is(value: Any) -> bool:
    return isinstance(value, dict)
