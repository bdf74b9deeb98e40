"""What the log says of the chain from time to time: kept elsewhere, it tells when somebody computed the chain anew."""

from gbike.kit.audit.chain import head
from gbike.kit.store import Store
from gbike.kit.telemetry import log

EVERY_S = 300
"""Between two looks: so much of a chain could be computed anew before its head is elsewhere."""


class Witness:
    """Says the head of one service's chain whenever it has moved."""

    def __init__(self, store: Store, service: str) -> None:
        self._store, self._service = store, service
        self._published = 0

    async def step(self) -> int:
        """Look, and say; answers 0, as nobody needs to look again soon."""
        number, digest = await self._store.read(head)
        if number != self._published:
            self._published = number
            log.info("audit head", service=self._service, number=number, hash=digest)
        return 0
