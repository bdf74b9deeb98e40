"""What can be asked of whoever has the stores open, as a verb of the command line asks it."""

import msgspec

from gbike.kit.clock import rfc3339
from gbike.kit.messaging.republish import publish_since
from gbike.kit.store import Store, Tx
from gbike.run.control import Verb
from gbike.run.mends import Mend
from gbike.run.orders import OpenServices

DONE, NOTHING = "mended · 고쳤어요", "nothing to mend any more · 이미 고쳐져 있어요"


def store_verbs(services: OpenServices) -> dict[str, Verb]:
    """Messages that were set aside (each answers why it could not be done, or nothing), messages again, mends."""

    async def replay(service: str, message_id: str) -> str:
        return await services.consumer(service).replay(message_id) or ""

    async def drop(service: str, message_id: str, reason: str) -> str:
        await services.consumer(service).drop(message_id, reason)
        return ""

    async def republish(service: str, moment: str) -> str:
        lines = []
        for name in [service] if service else services.services:
            many = await _again(services.store(name), int(moment))
            lines.append(f"{name}: {many} messages go to the log again · 메시지 {many}건을 다시 발행해요")
        return "\n".join(lines)

    async def mend(text: str) -> str:
        one = msgspec.json.decode(text, type=Mend)
        return DONE if await one.do(services) else NOTHING

    return {"replay": replay, "drop": drop, "republish": republish, "mend": mend}


async def _again(store: Store, moment: int) -> int:
    again = await publish_since(store, moment)
    await store.write(_on_record, moment, again)
    return again


def _on_record(tx: Tx, moment: int, again: int) -> None:
    tx.audit("messages published again", "outbox", after={"since": rfc3339(moment), "messages": again})
