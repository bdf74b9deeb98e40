"""Bytes to text, strictly: what does not fit an encoding is not that encoding."""

import codecs

from gbike.services.bike.importing.sheet import Unreadable

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MOSTLY = 4
"""A file with so many times more letters of good UTF-8 than bad places is damaged UTF-8: CP949 would fit some."""


def decode(data: bytes) -> tuple[str, str]:
    """The text and its encoding. Raises Unreadable."""
    if data.startswith(_WORKBOOKS):
        raise Unreadable("spreadsheet-file", {})
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding), encoding
    if b"\0" in data:
        encoding = "utf-16-le" if data[1::2].count(0) >= data[0::2].count(0) else "utf-16-be"
        text = _strictly(data, encoding)
        if "\0" in text:
            raise Unreadable("unknown-encoding", {"encoding": encoding, "line": _line(text, text.index("\0"))})
        return text, encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        damaged = data.decode("utf-8", "replace")
    bad = damaged.count("\ufffd")
    if len(damaged) - len(damaged.encode("ascii", "ignore")) - bad > _MOSTLY * bad:
        return _strictly(data, "utf-8"), "utf-8"  # raises
    return _strictly(data, "cp949"), "cp949"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as wrong:
        good = data[: wrong.start].decode(encoding, "ignore")
        raise Unreadable("unknown-encoding", {"encoding": encoding, "line": _line(good, len(good))}) from None


def _line(text: str, at: int) -> int:
    return len(text[:at].replace("\r\n", "\n").replace("\r", "\n").split("\n"))
