"""The one parser of files of bikes: bytes in, rows out; it looks at no store and writes nothing."""

from gbike.services.bike.importing.reading import read
from gbike.services.bike.importing.sheet import FIELDS, MOST_ROWS, Question, Sheet, SheetRow, Unreadable, Wanted, Whole

__all__ = ["FIELDS", "MOST_ROWS", "Question", "Sheet", "SheetRow", "Unreadable", "Wanted", "Whole", "read"]
