"""What the use cases of bikeManager need from outside."""

from typing import Protocol

from gbike.kit.access.principal import Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.services.bike_manager.domain import ConversionWish, Manager


class Managers(Protocol):
    """The field staff and their points."""

    async def add(self, managerid: int | None, userid: int, points: int, once: Once | None) -> Manager:
        """A new manager, under the posted number when it is free. Raises ManagerExists, NumberOfAnother."""

    async def convert(self, managerid: int, wish: ConversionWish, whose: Whose, once: Once | None) -> Manager:
        """Turn points into deposit and say AdjustedPoint. Raises NoSuchManager, also for another, and what
        domain.convert raises."""

    async def set_rider(self, managerid: int, userid: int, once: Once | None) -> Manager:
        """Name the rider account that conversions go to. Raises NoSuchManager."""

    async def one(self, managerid: int, whose: Whose) -> Manager:
        """The manager. Raises NoSuchManager, also for another."""
