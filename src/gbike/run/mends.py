"""What `gbike repair` can mend with certainty, each as a value that travels to whoever has the stores open.

Each mend is one transaction in one service's store, with an audit row, and does nothing when there is nothing to mend
any more: a list may be older than what it is done to.
"""

from typing import TYPE_CHECKING

import msgspec

from gbike.kit.messaging.hours import LostHour, take_note
from gbike.kit.messaging.outbox import known, message_said, publish_again
from gbike.services.bike.commands import free, settle_the_holds
from gbike.services.user_deposit.commands import post_paid

if TYPE_CHECKING:
    from gbike.run.orders import OpenServices


class FreeBike(msgspec.Struct, frozen=True, tag_field="mend", tag="free-bike"):
    """A bike carries the number of a rent that is over: nobody can rent it, and nobody rides it."""

    bikeid: int
    rentid: int
    userid: int | None

    def __str__(self) -> str:
        return (
            f"free bike {self.bikeid} of rent {self.rentid}, which is over"
            f" · 끝난 대여 {self.rentid}번이 잡고 있는 자전거 {self.bikeid}번을 풀어요"
        )

    async def do(self, services: "OpenServices") -> bool:
        """Free it; False: it was free already."""
        key = f"bike:{self.bikeid}"
        return await services.store("bike").write(free, self.bikeid, self.rentid, self.userid, key=key)


class PublishAgain(msgspec.Struct, frozen=True, tag_field="mend", tag="publish-again"):
    """A message that is marked as published and did not reach every service that hears it."""

    service: str
    message_id: str
    type: str

    def __str__(self) -> str:
        return (
            f"publish {self.type} {self.message_id} of {self.service} again; who knows it already ignores it"
            f" · {self.service}의 {self.type} 메시지를 다시 보내요"
        )

    async def do(self, services: "OpenServices") -> bool:
        """Let the relay publish it again; False: it is about to."""
        return await services.store(self.service).write(publish_again, self.message_id)


class HandleAgain(msgspec.Struct, frozen=True, tag_field="mend", tag="handle-again"):
    """A message that a service knows, and whose posting is missing: its policy posts once per cause."""

    service: str
    said_by: str
    message_id: str
    type: str

    def __str__(self) -> str:
        return (
            f"let {self.service} handle {self.type} {self.message_id} of {self.said_by} again: its posting is missing"
            f" · {self.service}에 빠진 기록을 {self.said_by}의 {self.type} 메시지로 다시 남겨요"
        )

    async def do(self, services: "OpenServices") -> bool:
        """Give it to the policy; False: its speaker has forgotten it meanwhile. Raises what the policy raises."""
        message = await services.store(self.said_by).read(message_said, self.message_id)
        if message is None:
            return False
        await services.consumer(self.service).handle_again(message)
        return True


class PostPayment(msgspec.Struct, frozen=True, tag_field="mend", tag="post-payment"):
    """A payment that the provider confirmed and that is in no ledger."""

    paymentid: str

    def __str__(self) -> str:
        return f"post the paid payment {self.paymentid} · 결제된 {self.paymentid}을(를) 예치금에 넣어요"

    async def do(self, services: "OpenServices") -> bool:
        """Post it; False: it is posted. Raises OutOfBounds."""
        return await services.store("user_deposit").write(post_paid, self.paymentid)


class SettleHolds(msgspec.Struct, frozen=True, tag_field="mend", tag="settle-holds"):
    """A bike is held by more or fewer than its row says: a gbike that knows no holders marked or freed it."""

    bikeid: int

    def __str__(self) -> str:
        return (
            f"count the holds of bike {self.bikeid} anew; what an older gbike marked or freed was staff's hold"
            f" · 자전거 {self.bikeid}번을 사용 중지한 기록을 다시 세요"
        )

    async def do(self, services: "OpenServices") -> bool:
        """Count them; False: they are right."""
        return await services.store("bike").write(settle_the_holds, self.bikeid, key=f"bike:{self.bikeid}")


class TakeNote(msgspec.Struct, frozen=True, tag_field="mend", tag="take-note"):
    """Messages that one of two services has lost for good. Whoever heard them counts them no more, or takes the other's
    word for an hour, so that the loss is told once and not for ever. Only by its number: what was lost is looked at
    first, and booked by hand."""

    speaker: str
    messages: tuple[tuple[str, str], ...]
    """Who heard which."""
    hours: tuple[tuple[str, LostHour], ...]
    """Who heard something else, and of which hour."""

    def __str__(self) -> str:
        return (
            f"lost with a store of {self.speaker} or of who heard it, and in no outbox: book by hand what is missing,"
            " then take note of the loss by this number (docs/operate/data.md)"
            f" · {self.speaker} 기록이 사라졌어요. 직접 다시 기록한 뒤 이 번호로 확인했다고 남겨 주세요"
        )

    async def do(self, services: "OpenServices") -> bool:
        """Take note in each store; False: it was done."""
        ids = [message_id for _, message_id in self.messages]
        there = await services.store(self.speaker).scan(known, ids)  # what was only on its way is no loss
        done = False
        for hearer in sorted({one for one, _ in (*self.messages, *self.hours)}):
            ids = [message_id for one, message_id in self.messages if one == hearer and message_id not in there]
            hours = [hour for one, hour in self.hours if one == hearer]
            done |= await services.store(hearer).write(take_note, self.speaker, ids, hours)
        return done


Mend = FreeBike | PublishAgain | HandleAgain | PostPayment | SettleHolds | TakeNote


class Mendable(str):
    """A violation that can be mended with certainty, and how."""

    mend: Mend

    def __new__(cls, violation: str, mend: Mend) -> "Mendable":
        one = super().__new__(cls, violation)
        one.mend = mend
        return one


def perhaps_mendable(violation: str, mend: Mend | None) -> str:
    return violation if mend is None else Mendable(violation, mend)
