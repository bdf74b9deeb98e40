"""Batches of records as the client library reads them, but none stops it.

The library raises on a batch with a wrong sum, in a codec that is not installed, or with a header whose name is no
text, at every fetch anew: its consumer would stand before that batch for ever. Here what can be read is read, and a
record of the type UNREADABLE stands for the rest, to be set aside like every poison message.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import MemoryRecords

from gbike.kit.messaging.kafka.wire import TYPE, UNREADABLE, WHY

V2 = 2
"""The format since Kafka 0.11; brokers keep no older one any more."""
HEAD = Struct(">qiibIhiqqqhii")
"""Base offset, length, leader's epoch, magic, CRC, attributes, delta, two times, producer, epoch, sequence, count."""
BEFORE_LENGTH_ENDS, MAGIC = 12, 16
CONTROL, TRANSACTIONAL = 0x20, 0x10


class Records:
    """As the library's MemoryRecords: the batches of one answer, the last one maybe cut off."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def size_in_bytes(self) -> int:
        return len(self._raw)

    def has_next(self) -> bool:
        return self._end() is not None

    def next_batch(self) -> Any:
        end = self._end()
        raw, self._at = self._raw[self._at : end], end or len(self._raw)
        if len(raw) > MAGIC and raw[MAGIC] < V2:
            return MemoryRecords(raw).next_batch()
        batch = _Batch(raw.ljust(HEAD.size, b"\0"))
        follows = self._raw[self._at : self._at + 8]  # of the next batch, be it cut off: the log has no gaps
        if not batch.whole and len(follows) == 8:
            batch.next_offset = max(batch.next_offset, int.from_bytes(follows, "big", signed=True))
        return batch

    def _end(self) -> int | None:
        begin = self._at + BEFORE_LENGTH_ENDS
        if begin > len(self._raw):
            return None
        end = begin + int.from_bytes(self._raw[begin - 4 : begin], "big", signed=True)
        return end if begin < end <= len(self._raw) else None


class _Batch:
    """A batch that can be read, be it that nothing in it can."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.base_offset, _, _, _, _, attributes, delta, *_, self.producer_id, _, _, count = HEAD.unpack_from(raw)
        try:
            self.whole = bool(DefaultRecordBatch(raw).validate_crc())
        except Exception:
            self.whole = False
        self.is_control_batch = self.whole and bool(attributes & CONTROL)
        self.is_transactional = self.whole and bool(attributes & TRANSACTIONAL)
        # A wrong sum may be that of these very numbers: what both say is not too far.
        self.next_offset = self.base_offset + 1 + (delta if self.whole else max(0, min(delta, count - 1)))

    def validate_crc(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        if not self.whole:
            yield self._rest("its sum (CRC) is wrong")
            return
        try:
            yield from list(DefaultRecordBatch(self._raw))
        except Exception:
            yield from self._what_can_be_read()

    def _what_can_be_read(self) -> Iterator[Any]:
        try:
            batch = _DefaultRecordBatchPy(self._raw)
            batch._maybe_uncompress()
            batch._buffer = _AnyText(batch._buffer)
            yield from batch
        except Exception as wrong:
            yield self._rest(repr(wrong))

    def _rest(self, why: str) -> Any:
        headers = [(TYPE, UNREADABLE.encode()), (WHY, why.encode("utf-8", "replace"))]
        return _DefaultRecordPy(self.next_offset - 1, 0, 0, key=None, value=b"", headers=headers)


class _AnyText(bytearray):
    """Bytes whose pieces are read as text whatever they are."""

    def __getitem__(self, position: Any) -> Any:
        found = super().__getitem__(position)
        return _AnyText(found) if isinstance(position, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, "replace")


def use() -> None:
    """Let the library's consumers read by this; it has no setting for it."""
    fetcher.MemoryRecords = Records
