"""The consumer: each message takes effect once in a service, however often and in whatever order it comes.

A batch is one transaction: inbox rows, effects, what the effects say, and the place in the log. When one message of a
batch fails, the batch is run again one by one, and the one that fails alone is set aside as a dead letter with its
reason, so that no consumer is stuck behind a poison message (L3). A store that is down is no reason to set aside.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gbike.kit.envelope import Message, Undecodable, trace_of, unpack
from gbike.kit.messaging.bus import Batch, Subscription
from gbike.kit.messaging.dead_letters import drop, how_many, letter, set_aside, take_back
from gbike.kit.messaging.hours import record_received, speakers
from gbike.kit.privacy.erasure import guard, scrubbed
from gbike.kit.store import Store, StoreUnavailable, Tx
from gbike.kit.telemetry import Metrics, log

BATCH = 256
"""Messages a consumer takes in one step."""

Policy = Callable[[Tx, Any], object]
"""What it answers, if anything, is noted when its effect is kept."""
Policies = Mapping[type, Policy]


class Consumer:
    """Gives the messages of one subscription to the policies of one service."""

    def __init__(
        self,
        store: Store,
        subscription: Subscription,
        policies: Policies,
        metrics: Metrics,
        service: str,
        *,
        on_messages: Callable[[Tx, Sequence[Message]], None] | None = None,
        on_handled: Callable[[Any], None] | None = None,
    ) -> None:
        """`on_messages` is given new messages as they came, in the transaction of their effects; `on_handled` what the
        policies answered, when that is committed."""
        self._on_messages, self._on_handled = on_messages, on_handled
        self._store, self._subscription = store, subscription
        self._service = service
        self._known = {kind.__name__: kind for kind in policies}
        self._policies = {kind.__name__: (kind, policy) for kind, policy in policies.items()}
        self._speakers = speakers(policies)
        self._handled = metrics.events_handled.labels(service)
        self._dead = metrics.dead_letters.labels(service)

    async def step(self) -> int:
        """Handle the next batch; answers how many messages it had. Raises BusUnavailable, StoreUnavailable."""
        batch = await self._subscription.take(BATCH)
        if batch.messages:
            await self._handle(batch)
            await self._subscription.acknowledge(batch)
            self._handled.inc(len(batch.messages))
        return len(batch.messages)

    async def changed(self, timeout_ms: int) -> None:
        """Wait for something new, `timeout_ms` at most."""
        await self._subscription.changed(timeout_ms)

    async def lag(self) -> int:
        """Messages of the log that this consumer has not settled yet."""
        return await self._subscription.lag()

    async def replay(self, message_id: str) -> str | None:
        """Give a message that was set aside to its policy again: it takes effect and is set aside no more, or it stays
        with the new reason, which is answered. Raises NoSuchLetter, StoreUnavailable."""
        message = (await self._store.read(letter, message_id)).message
        try:
            self._noted(await self._store.write(self._revive, message))
        except StoreUnavailable:
            raise
        except Exception as wrong:
            await self._store.write(set_aside, message, repr(wrong), self._known)
            return repr(wrong)
        return None

    async def handle_again(self, message: Message) -> None:
        """Give a message to its policy though the inbox knows it: for an effect that is missing. Policies guard their
        effects by state and cause, so one that is there stays as it is. Raises what the policy raises."""
        self._noted(await self._store.write(self._again, message))

    async def drop(self, message_id: str, reason: str) -> None:
        """Let go of a message that was set aside, for good. Raises NoSuchLetter, StoreUnavailable."""
        await self._store.write(drop, message_id, reason, self._speakers)

    async def dead_letters(self) -> int:
        """How many messages are set aside now."""
        return await self._store.read(how_many)

    async def _handle(self, batch: Batch) -> None:
        try:
            self._noted(await self._store.write(self._apply, list(batch.messages), batch))
        except StoreUnavailable:
            raise
        except Exception as wrong:
            log.warning("a batch of messages failed and is run one by one", service=self._service, why=repr(wrong))
            for message in batch.messages:
                await self._handle_alone(message)
            await self._store.write(self._subscription.save_position, batch)

    async def _handle_alone(self, message: Message) -> None:
        try:
            self._noted(await self._store.write(self._apply, [message], None))
        except StoreUnavailable:
            raise
        except Exception as wrong:
            log.error(
                "a message is set aside", service=self._service, type=message.type, id=message.id, why=repr(wrong)
            )
            self._dead.inc()
            await self._store.write(set_aside, message, repr(wrong), self._known)

    def _revive(self, tx: Tx, message: Message) -> list[Any]:
        take_back(tx, message)
        return self._apply(tx, [message], None)

    def _again(self, tx: Tx, message: Message) -> list[Any]:
        guard(tx, [message])
        record_received(tx, [message], self._speakers)
        (message,) = scrubbed(tx, [message], self._known)
        tx.audit("message handled again", message.key, after={"type": message.type, "message": message.id})
        if self._on_messages is not None:
            self._on_messages(tx, [message])
        return self._give(tx, message)

    def _noted(self, answers: list[Any]) -> None:
        if self._on_handled is not None:
            for answer in answers:
                self._on_handled(answer)

    def _apply(self, tx: Tx, messages: list[Message], batch: Batch | None) -> list[Any]:
        guard(tx, messages)
        known = record_received(tx, messages, self._speakers)
        new = [message for message in {message.id: message for message in messages}.values() if message.id in known]
        new = scrubbed(tx, new, self._known)
        if self._on_messages is not None:
            self._on_messages(tx, new)
        answers: list[Any] = []
        for message in new:
            answers += self._give(tx, message)
        if batch is not None:
            self._subscription.save_position(tx, batch)
        return answers

    def _give(self, tx: Tx, message: Message) -> list[Any]:
        if message.type not in self._policies:
            raise Undecodable(f"{message.type}: {message.headers.decode('utf-8', 'replace')}")
        kind, policy = self._policies[message.type]
        tx.trace = trace_of(message)
        answer = policy(tx, unpack(message, kind))
        return [] if answer is None else [answer]
