"""A list as a file: all of it, narrowed as it is asked for, as CSV that a spreadsheet opens, piece by piece."""

import csv
import io
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec

from gbike.kit.http.filters import EXPORT, PAGING
from gbike.kit.http.request import Request, Response, Shown
from gbike.kit.storage.listing import Listing, Pieces
from gbike.kit.store import Store, Tx

BOM = b"\xef\xbb\xbf"
"""Without it Excel takes UTF-8 for something else."""
MEDIA = {"utf-8": "text/csv; charset=utf-8; header=present", "cp949": "text/csv; charset=windows-949; header=present"}
_UNSEEN = r"[\s\x00-\x20\x7f-\xa0\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
_FORMULA = re.compile(rf"[\t\r]|{_UNSEEN}*[\t\r=+\-@\uff1d\uff0b\uff0d\uff20]")
"""A text that a spreadsheet might calculate, also after what nobody sees; the last four are the full-width forms."""


class CsvExport:
    """A Stream of CSV: a header, then a line for each row, as many at a time as one piece of the list has."""

    def __init__(self, pieces: Pieces, columns: Sequence[str], shown: Shown, encoding: str) -> None:
        self._pieces = pieces
        self._columns = columns
        self._shown = shown
        self._encoding = encoding

    async def pieces(self) -> AsyncGenerator[bytes]:
        """See Stream.pieces."""
        mark = BOM if self._encoding == "utf-8" else b""
        yield mark + self._lines([self._columns])
        async for items in self._pieces.each():
            yield self._lines([self._row(self._shown(one)) for one in items])

    async def first(self) -> Sequence[msgspec.Struct]:
        """The rows of the first piece, as they will be shown."""
        async for items in self._pieces.each():
            return [self._shown(one) for one in items]
        return ()

    def close(self) -> None:
        """See Stream.close: nothing is held between two pieces."""

    def _row(self, resource: msgspec.Struct) -> list[str]:
        return [_cell(getattr(resource, name)) for name in self._columns]

    def _lines(self, rows: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode(self._encoding, "replace")


async def exported(
    request: Request, store: Store, listing: Listing, shown: Shown, wanted: Mapping[str, Any]
) -> Response:
    """200 with the whole list as a file, once it is on record who took it. Raises StoreUnavailable: nobody takes what
    can't be put on record."""
    encoding: str = request.export.get("encoding", "utf-8")
    named = sorted({name for name, _ in request.query} - PAGING.keys() - EXPORT.keys())
    if request.method != "HEAD":
        await store.write(_on_record, request.path, named)
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.path).strip("-")
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Accel-Buffering": "no"}
    file = CsvExport(Pieces(store, listing, wanted), request.columns, shown, encoding)
    return Response(200, file, headers, MEDIA[encoding], goes_on=True)


def _on_record(tx: Tx, path: str, filters: Sequence[str]) -> None:
    tx.audit("list exported", f"list:{path}", after={"filters": filters})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if _FORMULA.match(text) else str(text)
