"""Which file an error is about, as SQLite's errors don't say it, and neither does a write that found no room; and files
that are written whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ABOUT = "file: "
FOR_US_ONLY = 0o600
CLOSED = 0o711 if os.geteuid() == 0 else 0o700
"""Of a folder that nobody else looks into. Where root starts gbike, PostgreSQL runs as another user, who passes
through to its own."""


@contextmanager
def about(path: Path | str | None) -> Iterator[None]:
    """What fails within is about the file at `path`; None: about no file."""
    try:
        yield
    except Exception as wrong:
        name_file(wrong, path)
        raise


def write_whole(file: Path, content: bytes, *, like: Path | None = None) -> None:
    """Put content in the place of the file, so that after a power cut there is the old or the new; nobody but its user
    may read it. `like`: its user is this one's. Raises OSError, from which the file can be told."""
    near = file.with_name(f".{file.name}")
    with about(file):
        near.unlink(missing_ok=True)  # of one who was killed, maybe with another mode
        with os.fdopen(os.open(near, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FOR_US_ONLY), "wb") as out:
            if like is not None:
                os.fchown(out.fileno(), like.stat().st_uid, like.stat().st_gid)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        near.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def closed_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, all CLOSED whatever the umask. Raises OSError."""
    for one in reversed((folder, *folder.parents)):
        if not one.exists():
            one.mkdir(exist_ok=True)
            one.chmod(CLOSED)


def private(file: Path) -> None:
    """Make a file that nobody but its user may read, for somebody who fills it. Raises OSError."""
    with about(file):
        file.unlink(missing_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FOR_US_ONLY))


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
