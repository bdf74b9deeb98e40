"""The engines that `gbike cluster up` starts on one machine: programs in the foreground, with their files prepared."""

from collections.abc import Mapping, Sequence

import msgspec

from gbike.run import CannotDo


class CannotRun(CannotDo):
    """An engine is not installed, or can't be prepared; the text says what to do."""


class Program(msgspec.Struct, frozen=True):
    """What to start: a command that stays in the foreground, its environment, and the user it runs as (None: ours)."""

    command: Sequence[str]
    env: Mapping[str, str] = {}
    user: str | None = None
