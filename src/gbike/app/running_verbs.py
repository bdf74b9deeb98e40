"""What can be asked of whoever runs in one process, open or secure, over the control socket of its data folder."""

from pathlib import Path

from gbike.app import privacy, repair, republish
from gbike.app.control import Verb
from gbike.app.copies import copy_running
from gbike.app.embedded import Embedded


def running_verbs(embedded: Embedded) -> dict[str, Verb]:
    """Backups, dead letters, mends, erasures."""

    async def backup(target: str) -> str:
        held_ms = await copy_running(embedded, Path(target))
        return f"copied to {target}; writers were held for {held_ms:.1f} ms"

    async def copy(target: str) -> str:
        await copy_running(embedded, Path(target), backup=False)
        return f"copied to {target}"

    async def replay(service: str, message_id: str) -> str:
        consumer = embedded.part(service).running.consumer
        return (await consumer.replay(message_id) if consumer else None) or ""

    async def drop(service: str, message_id: str, reason: str) -> str:
        consumer = embedded.part(service).running.consumer
        if consumer is not None:
            await consumer.drop(message_id, reason)
        return ""

    own: dict[str, Verb] = {"backup": backup, "copy": copy, "replay": replay, "drop": drop}
    return {**own, **repair.verbs(embedded), **privacy.verbs(embedded), **republish.verbs(embedded)}
