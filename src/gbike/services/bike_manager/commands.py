"""One function per sentence of the requirements, each run inside a transaction."""

from gbike.contracts.bike_manager import AdjustedPoint
from gbike.kit.storage.idempotency import idempotent
from gbike.kit.store import Facts, Tx
from gbike.services.bike_manager import domain, storage
from gbike.services.bike_manager.domain import ConversionWish, Manager, ManagerExists, NumberOfAnother, Numbers


@idempotent
def register_a_manager(
    tx: Tx, managerid: int | None, userid: int, points: int, numbers: Numbers = Numbers.NEXT
) -> Manager:
    """An operator registers one of the field staff, with an opening accrual; points that waited for this number are
    theirs. Raises ManagerExists, NumberOfAnother."""
    if numbers is Numbers.RIDER:
        managerid = managerid or userid  # account gives staff the same, so one number has one giver
        if managerid != userid and storage.is_an_accounts(tx, managerid):
            raise NumberOfAnother(managerid, userid)
    number = storage.add_next(tx, userid) if managerid is None else managerid
    tx.lock(f"points:{number}")  # a report that is applied now either finds the manager or is in the sum
    if managerid is not None and not storage.add(tx, managerid, userid):
        raise ManagerExists(managerid)
    storage.enter(tx, number, f"opening:{number}", points)
    tx.count(f"entries:{number}")
    return _registered(tx, number)


def accrue(tx: Tx, managerid: int, cause: str, points: int) -> None:
    """R11: add points under a cause that counts once, and say so when the manager is known. Under the number of an
    account its holder is the manager, without anybody registering them."""
    tx.lock(f"points:{managerid}")
    if not storage.enter(tx, managerid, cause, points):
        return
    tx.count(f"entries:{managerid}")
    known = storage.earn(tx, managerid, points)
    if known is None and storage.is_an_accounts(tx, managerid) and storage.add(tx, managerid, managerid):
        known = _registered(tx, managerid)
    if known is not None:
        tx.publish(AdjustedPoint(managerid=managerid, userid=known.userid, point=known.points))


@idempotent
def convert_points(tx: Tx, managerid: int, wish: ConversionWish, cause: str) -> Manager:
    """R12: earned points are turned into deposit for riding: user_deposit adds the same amount under the same cause
    (I17). Raises NoSuchManager, and what `domain.convert` raises."""
    tx.lock(f"points:{managerid}")
    manager = storage.load(tx, managerid)
    if not domain.convert(manager, storage.last_conversion(tx, managerid), wish):
        return manager
    storage.enter(tx, managerid, cause, -wish.adjustpoint)
    tx.count(f"entries:{managerid}")
    storage.take(tx, managerid, wish.adjustpoint)
    after = storage.load(tx, managerid)
    tx.publish(
        AdjustedPoint(
            managerid=managerid, userid=after.userid, point=after.points, adjustpoint=wish.adjustpoint, conversion=cause
        )
    )
    now: Facts = {"points": after.points, "userid": after.userid, "cause": cause}
    tx.audit("points converted", f"manager:{managerid}", {"points": manager.points}, now)
    return after


@idempotent
def correct_points(tx: Tx, managerid: int, amount: int, reason: str, cause: str) -> Manager:
    """An operator corrects points by hand. It is no conversion, so no money moves. Raises NoSuchManager,
    NotEnoughPoints."""
    tx.lock(f"points:{managerid}")
    manager = storage.load(tx, managerid)
    domain.must_cover(manager, amount)
    storage.enter(tx, managerid, cause, amount)
    tx.count(f"entries:{managerid}")
    storage.earn(tx, managerid, amount)
    after = storage.load(tx, managerid)
    tx.publish(AdjustedPoint(managerid=managerid, userid=after.userid, point=after.points))
    now: Facts = {"points": after.points, "cause": cause, "reason": reason}
    tx.audit("points corrected", f"manager:{managerid}", {"points": manager.points}, now)
    return after


@idempotent
def name_the_rider(tx: Tx, managerid: int, userid: int) -> Manager:
    """An operator corrects whose deposit a manager's points go to. Raises NoSuchManager."""
    tx.lock(f"points:{managerid}")  # a conversion goes to the rider who asked for it
    before = storage.load(tx, managerid)
    storage.set_rider(tx, managerid, userid)
    tx.audit("manager's rider changed", f"manager:{managerid}", {"userid": before.userid}, {"userid": userid})
    return storage.load(tx, managerid)


def _registered(tx: Tx, managerid: int) -> Manager:
    """One who was added just now, with the points that waited for the number."""
    tx.count("managers")
    storage.sum_up(tx, managerid)
    manager = storage.load(tx, managerid)
    tx.audit("manager registered", f"manager:{managerid}", after={"userid": manager.userid, "points": manager.points})
    return manager
