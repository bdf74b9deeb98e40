"""What was said has happened: converted points become deposit, also in an account that takes no top-up any more."""

from gbike.contracts.bike_manager import AdjustedPoint
from gbike.kit.money import MAX_WON
from gbike.services.user_deposit.storage import own_violations
from gbike.services.user_deposit.wiring import SPEC
from tests.services.lone import Lone


async def test_converted_points_are_added_to_a_full_account_and_not_set_aside() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": MAX_WON})
    await lone.tell(AdjustedPoint(managerid=1, userid=3, point=0, adjustpoint=1_000, conversion="conversion:1:a"))
    assert await lone.rows("SELECT reason FROM dead_letters") == []
    assert (await lone.client.get("/userDeposits/3")).json["deposit"] == MAX_WON + 1_000
    assert (await lone.client.post("/userDeposits/3/topUps", {"amount": 1})).status == 409
    assert list(await lone.store.read(own_violations)) == []
    await lone.stop()
