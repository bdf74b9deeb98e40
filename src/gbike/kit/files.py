"""Which file an error is about. SQLite's errors don't say it, and neither does a write that found no room."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ABOUT = "file: "


@contextmanager
def about(path: Path | str | None) -> Iterator[None]:
    """What fails within is about the file at `path`; None: about no file."""
    try:
        yield
    except Exception as wrong:
        name_file(wrong, path)
        raise


def name_file(error: BaseException, path: Path | str | None) -> None:
    """Say which file an error is about; the last who says it is right."""
    if path:
        error.add_note(f"{_ABOUT}{path}")


def file_of(error: BaseException) -> str:
    """The file that an error is about; empty when nobody knows."""
    for note in reversed(getattr(error, "__notes__", ())):
        if note.startswith(_ABOUT):
            return str(note.removeprefix(_ABOUT))
    return str(error.filename or "") if isinstance(error, OSError) else ""
