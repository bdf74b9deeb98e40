"""Identity is handed in: UUIDv7, so that ids sort by the time they were made."""

from typing import Protocol

import uuid_utils


class Ids(Protocol):
    """Where a service gets identities that nobody else has."""

    def new(self) -> str:
        """A UUIDv7 in its text form."""


class SystemIds:
    """UUIDv7 from the machine's clock and randomness."""

    def new(self) -> str:
        """A UUIDv7 in its text form."""
        return str(uuid_utils.uuid7())
