"""The published language: every event and every request between services, frozen and versioned. One file per speaker.

A field is never removed and never changes its meaning; a new one comes with a default, so that old messages decode.
Moments are milliseconds since 1970 UTC, money is whole won, statuses are the original's words.
"""

from typing import ClassVar

import msgspec


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="eventType", tag=True):
    """What all events have alike: their name in `eventType` and the version of their shape."""

    SHAPE: ClassVar[int] = 1
