"""Who signed up with 0.2.0 signs in today, as before, and counts as somebody whose contact is proved."""

from pathlib import Path

import pytest

from gbike.run.embedded import Embedded
from tests.support import EVERY_RIDE_COSTS, Client
from tests.upgrade.kept import put_back

KEPT = Path(__file__).parent / "0.2.0" / "secure"
PASSWORD = "a bicycle at dawn"


@pytest.mark.parametrize("typed", ["{}@example.com", " {}@EXAMPLE.com"])
async def test_riders_of_0_2_0_sign_in(typed: str, tmp_path: Path) -> None:
    embedded = Embedded(put_back(KEPT, tmp_path), EVERY_RIDE_COSTS)
    client = Client(embedded.app)
    for userid in (1, 2, 3):
        session = await client.post("/sessions", {"contact": typed.format(userid), "password": PASSWORD})
        assert (session.status, session.json["userid"]) == (200, userid)
        account = (await client.get(f"/accounts/{userid}")).json
        assert (account["contact"], account["contact_proved"]) == (f"{userid}@example.com", True)
    await embedded.stop()
