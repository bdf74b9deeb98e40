"""One function per sentence of the requirements."""

from gbike.kit.access.principal import Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.services.bike_manager.domain import ConversionWish, Manager
from gbike.services.bike_manager.ports import Managers


async def register_a_manager(
    managerid: int | None, userid: int, points: int, *, managers: Managers, once: Once | None = None
) -> Manager:
    """An operator registers one of the field staff."""
    return await managers.add(managerid, userid, points, once)


async def convert_points(
    managerid: int, wish: ConversionWish, whose: Whose, *, managers: Managers, once: Once | None = None
) -> Manager:
    """R12: earned points are turned into deposit for riding."""
    return await managers.convert(managerid, wish, whose, once)


async def name_the_rider(managerid: int, userid: int, *, managers: Managers, once: Once | None = None) -> Manager:
    """An operator corrects whose deposit a manager's points go to."""
    return await managers.set_rider(managerid, userid, once)


async def look_up_a_manager(managerid: int, whose: Whose, *, managers: Managers) -> Manager:
    """R11: what a manager has earned."""
    return await managers.one(managerid, whose)
