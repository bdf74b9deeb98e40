"""Bytes to text, strictly: what does not fit an encoding is not that encoding."""

import codecs

from gbike.services.bike.importing.sheet import Unreadable

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_CLEARLY = 20
"""In UTF-16 every second byte of digits and line ends is 0: at least one of so many bytes; of the others hardly any."""
_MOSTLY = 4
"""So many times more is nearly all. With more letters of good UTF-8 than bad places a file is damaged UTF-8, though
CP949 has a letter for nearly every pair of bytes."""


def decode(data: bytes) -> tuple[str, str]:
    """The text and its encoding. Raises Unreadable."""
    if data.startswith(_WORKBOOKS):
        raise Unreadable("spreadsheet-file", {})
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding), encoding
    for encoding, low, high in (("utf-16-le", 0, 1), ("utf-16-be", 1, 0)):
        zeros = data[high::2].count(0)
        if zeros * _CLEARLY > len(data) and zeros > _MOSTLY * data[low::2].count(0):
            return _strictly(data, encoding), encoding
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
