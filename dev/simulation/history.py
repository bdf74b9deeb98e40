"""What every client asked and what came back: ok (it happened), fail (it did not), info (nobody knows)."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from dev.simulation.node import Cluster
from dev.simulation.town import Town
from gbike.kit.calls.peers import PeerUnreachable
from gbike.kit.clock import rfc3339
from gbike.services.account.commands.accounts import forget


@dataclass
class Attempt:
    """One request of one client. `number` is in its X-Request-Id, and so in every event that it caused."""

    number: int
    client: str
    op: str
    facts: dict[str, Any]
    key: str | None
    began: float
    ended: float = 0.0
    kind: str = "info"
    status: int = 0
    body: bytes = b""

    @property
    def answer(self) -> Any:
        """The answer's JSON."""
        return msgspec.json.decode(self.body) if self.body else {}

    @property
    def request_id(self) -> str:
        """As the events carry it."""
        return f"a{self.number}"

    def line(self) -> str:
        """For people, and for the hash of the history."""
        facts = " ".join(f"{name}={value}" for name, value in self.facts.items())
        came = self.answer.get("type", "").rpartition("#")[2] if self.kind == "fail" else ""
        return (
            f"{self.began:9.4f}-{self.ended:9.4f} {self.client:9} {self.op:8} {facts}"
            f" key={self.key} -> {self.kind} {self.status or ''} {came}"
        )


class History:
    """All attempts of a run, in the order they began."""

    def __init__(self, cluster: Cluster, town: Town) -> None:
        self._cluster, self.town = cluster, town
        self.attempts: list[Attempt] = []
        self.marks: list[str] = []
        """What the nemesis did."""

    def time(self) -> float:
        """Virtual seconds since the run began."""
        return self._cluster.loop.time()

    def server_time(self, service: str) -> str:
        """What a service's wall clock shows, as a page knows it from the last answer."""
        return rfc3339(self.server_ms(service))

    def server_ms(self, service: str) -> int:
        """The same, ms."""
        return self._cluster.nodes[service].clock.now_ms()

    def mark(self, what: str) -> None:
        """Note what went wrong on purpose."""
        self.marks.append(f"{self._cluster.loop.time():9.4f} {what}")

    async def ask(
        self,
        client: str,
        op: str,
        service: str,
        request: tuple[str, str, Any],
        facts: dict[str, Any],
        *,
        key: str | None = None,
        patience_s: float = 5.0,
    ) -> Attempt:
        """Send one request as `client` and wait `patience_s` at most."""
        method, path, content = request
        loop = self._cluster.loop
        attempt = Attempt(len(self.attempts), client, op, facts, key, began=loop.time())
        self.attempts.append(attempt)
        headers = {"x-request-id": attempt.request_id, **({"idempotency-key": key} if key else {})}
        body = b"" if content is None else msgspec.json.encode(content)
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._cluster.network.send(
                    self._cluster.nodes[service].target, (method, path, body, headers), may_double=False
                )
        except (TimeoutError, PeerUnreachable):
            attempt.ended = loop.time()
            return attempt
        attempt.ended = loop.time()
        attempt.status = answer.status
        attempt.body = answer.body
        attempt.kind = "ok" if answer.status < 300 else "fail"
        return attempt

    async def forget(self, userid: int) -> None:
        """An operator has somebody forgotten (`gbike privacy erase`), again until it is done."""
        node, done = self._cluster.nodes["account"], False
        while not done:
            if node.life.alive and node.store is not None:
                written = node.life.context().run(node.store.write, forget, userid)
                await asyncio.wait({written}, timeout=3.0)  # one whose life ends meanwhile never is
                done = written.done() and written.exception() is None
            await asyncio.sleep(0.5)
        self._cluster.network.struck["riders forgotten"] += 1
        self.mark(f"rider {userid} is forgotten")

    def tail(self, most: int) -> list[str]:
        """The last lines, requests and faults together."""
        lines = [(a.ended or a.began, a.line()) for a in self.attempts] + [
            (float(m[:9]), "** " + m) for m in self.marks
        ]
        return [line for _, line in sorted(lines)[-most:]]

    def digest(self) -> str:
        """A hash of everything that was asked, answered and done to the nodes."""
        whole = hashlib.sha256()
        for attempt in self.attempts:
            whole.update(attempt.line().encode() + attempt.body)
        for mark in self.marks:
            whole.update(mark.encode())
        return whole.hexdigest()[:16]
