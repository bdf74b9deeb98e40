"""All services where tokens are required, as a browser meets them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gbike.kit.clock import Clock
from tests.gateway.servers import Loop
from tests.security.people import Locked
from tests.support import EVERY_RIDE_COSTS


@dataclass(frozen=True)
class Town:
    """All services, secure, behind an address."""

    url: str
    token: Callable[[str], str]
    """An access token of somebody with a role."""
    pays: bool
    locked: Locked
    loop: Loop

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """What an admin is answered."""
        return self.loop.run(self.locked.admin.send(method, path, body)).json


@contextmanager
def secure_town(
    *, pays: bool = False, letters: Path | None = None, clock: Clock | None = None, **settings: str
) -> Iterator[Town]:
    """With one bike. `pays`: money comes in through the test provider. `letters`: the file that they are written to.
    `clock`: another than the machine's. `settings`: by their names."""
    loop = Loop()
    payments = {"GBIKE_PAYMENT_PROVIDER": "test"} if pays else {}
    post = {"GBIKE_RESET_FILE": str(letters)} if letters else {}

    async def build() -> Locked:
        locked = Locked({**EVERY_RIDE_COSTS, **payments, **post, **settings}, clock)
        locked.whole.start()
        made = await locked.admin.post("/bikes", {"bikeid": 1, "location": "분당_정자역_1구역", "batterylevel": 80})
        assert made.status == 201
        return locked

    locked: Locked = loop.run(build())
    url = f"http://127.0.0.1:{loop.serve(locked.whole.app)}"
    try:
        yield Town(url, lambda role: locked.issuer.token(900, role), pays, locked, loop)
    finally:
        loop.run(locked.whole.stop())
        loop.stop()
