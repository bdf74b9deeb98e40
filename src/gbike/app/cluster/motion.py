"""A cluster whose riders ride on: what two looks have found, the second long after the first.

The stores are not looked at in the same moment, and what was just said is not heard yet, so a look finds what is only
under way. That is done, or another thing, by the second look; what is wrong is still there, in the same words.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gbike.app.data_folder import DataFolder
from gbike.app.readings import open_readings
from gbike.app.verify import everything, violations
from gbike.kit.store import Reading

APART_S = 35
"""Between the two looks: longer than a deadline, and than a message is on its way (quiet.UNHEARD_S)."""


@contextmanager
def in_motion(folder: DataFolder) -> Iterator[tuple[Mapping[str, Reading], list[str]]]:
    """The stores as they are at the second look, and the violations that both have found. Raises NoData."""
    with open_readings(folder) as stores:
        before = set(everything(stores))
    time.sleep(APART_S)
    with open_readings(folder) as stores:
        yield stores, list(violations(stores, before))
