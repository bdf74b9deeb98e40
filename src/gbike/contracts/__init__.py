"""The published language: every event and every request between services, frozen and versioned. One file per speaker.

A field is never removed and never changes its meaning; a new one comes with a default, so that old messages decode.
Moments are milliseconds since 1970 UTC, money is whole won, statuses are the original's words. A number out of its
range is refused wherever it comes from.
"""

from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

import msgspec
from msgspec import Meta

PROBLEM_TEXTS = Path(__file__).parent / "problems"
"""The words of every refusal, a file per service; a slug is defined once in all of them."""
MAX_NUMBER = 2**53 - 1
"""The largest whole number that every JSON client reads exactly; every column takes it."""
LATEST_MS = 253_402_300_799_999
"""The last moment of the year 9999, beyond which no date is written."""

Number = Annotated[int, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]
"""The original called a bike -1, and a sum may be owed."""
Moment = Annotated[int, Meta(ge=0, le=LATEST_MS)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
T = TypeVar("T")
Personal = Annotated[T, Meta(extra={"personal": True}, extra_json_schema={"x-personal": True})]
"""A field that tells where a rider was, or who it is: an erasure takes it out of every kept event
(kit/privacy/erasure.py)."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="eventType", tag=True):
    """What all events have alike: their name in `eventType` and the version of their shape."""

    SHAPE: ClassVar[int] = 1
    ABOUT: ClassVar[str]
    """What it tells of; `rent`: of the one whose number is its `rentid`. All that is said of one comes in order."""
