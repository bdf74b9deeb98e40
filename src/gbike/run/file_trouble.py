"""Files that can't be read or written, told in one line: which file, what is wrong with it, and the way out."""

import errno
import os
import shutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import apsw

from gbike.kit.files import file_of
from gbike.kit.storage.migrations import NoVersion

A_LITTLE = 1 << 20
"""Bytes. SQLite tells of no room for its shared memory as of a broken disk."""


class Trouble(Enum):
    """What is wrong with a file, and what to do, in both languages."""

    def __init__(self, english: str, korean: str) -> None:
        self.english, self.korean = english, korean

    FULL = (
        "there is no room left on its disk; make room, or move the folder to a larger disk, then try again",
        "디스크에 남은 공간이 없어요. 공간을 확보한 뒤 다시 실행하세요",
    )
    READ_ONLY = (
        "it can't be written, for its disk or folder is read-only; make it writable, or work on a copy of the folder",
        "읽기 전용이어서 쓸 수 없어요. 쓸 수 있게 바꾸거나 폴더를 복사해서 사용하세요",
    )
    DENIED = (
        "this user may not use it; run as the user whose it is, or let this one read and write it (chown)",
        "이 사용자에게 권한이 없어요. 소유자로 실행하거나 권한을 바꾸세요",
    )
    NO_FOLDER = (
        "there is a file where a folder should be; choose another folder",
        "폴더가 있어야 할 자리에 파일이 있어요. 다른 폴더를 지정하세요",
    )
    DAMAGED = (
        "it is damaged, or no store of gbike; keep it, and put a backup into an empty folder: `gbike restore BACKUP"
        " --data NEW` (`gbike doctor` looks at every file)",
        "파일이 손상되었어요. 그대로 두고 백업을 빈 폴더에 복원하세요",
    )
    BROKEN = (
        "its disk can't read or write it; look at the disk (dmesg), copy the folder to another, then `gbike doctor`",
        "디스크에서 읽거나 쓰지 못했어요. 디스크를 확인하고 폴더를 다른 디스크로 복사하세요",
    )
    SHUT = (
        "it can't be opened; is it there, and may this user open it?",
        "열 수 없어요. 파일이 있는지, 권한이 있는지 확인하세요",
    )
    BUSY = ("another program keeps it locked; end that one, then try again", "다른 프로그램이 잠그고 있어요")


_OF_SQLITE = {
    apsw.FullError: Trouble.FULL,
    apsw.ReadOnlyError: Trouble.READ_ONLY,
    apsw.PermissionsError: Trouble.DENIED,
    apsw.CorruptError: Trouble.DAMAGED,
    apsw.NotADBError: Trouble.DAMAGED,
    apsw.FormatError: Trouble.DAMAGED,
    apsw.IOError: Trouble.BROKEN,
    apsw.CantOpenError: Trouble.SHUT,
    apsw.BusyError: Trouble.BUSY,
}
_OF_THE_SYSTEM = {
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EROFS: Trouble.READ_ONLY,
    errno.EACCES: Trouble.DENIED,
    errno.EPERM: Trouble.DENIED,
    errno.ENOTDIR: Trouble.NO_FOLDER,
    errno.EEXIST: Trouble.NO_FOLDER,
    errno.EIO: Trouble.BROKEN,
}


def told(error: BaseException) -> str | None:
    """The line for an error that is, or came from, a file's trouble; None for any other."""
    if isinstance(error, NoVersion):
        return str(error)
    file, trouble = _found(error)
    if isinstance(trouble, str):
        return f"{file}: {trouble}"
    return f"{file or 'a file'}: {trouble.english} · {trouble.korean}" if trouble else None


def way_out(error: BaseException) -> str:
    """What is wrong with the file that an error is about, and what to do; empty for any other error."""
    _, trouble = _found(error)
    return trouble if isinstance(trouble, str) else trouble.english if trouble else ""


def damaged(error: BaseException) -> str:
    """The file that is damaged, when that is what an error came from; else nothing."""
    file, trouble = _found(error)
    return file if trouble is Trouble.DAMAGED else ""


def _found(error: BaseException) -> tuple[str, Trouble | str | None]:
    """The file, and what is wrong with it: as the system says it when we have no words of our own."""
    file = ""
    for cause in _causes(error):
        file = file or file_of(cause)
        if isinstance(cause, OSError) and file and cause.errno is not None:
            return file, _OF_THE_SYSTEM.get(cause.errno, cause.strerror)
        known = _as_apsw(cause)
        if getattr(known, "extendedresult", None) == apsw.SQLITE_IOERR_SHMSIZE:
            return file, Trouble.FULL  # also where nobody can look any more: a backup takes away what it began
        for kind, trouble in _OF_SQLITE.items():
            if isinstance(known, kind):
                return file, _looked_at(file, trouble)
    return file, None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """From the outermost, who knows best which file it was, to what began it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _as_apsw(error: BaseException) -> BaseException:
    """Migrations meet SQLite by the standard library, with the same codes."""
    code = getattr(error, "sqlite_errorcode", None)
    return error if code is None else apsw.exception_for(code)


def _looked_at(file: str, trouble: Trouble) -> Trouble:
    """What SQLite's code leaves open, by a look at the file's folder."""
    folder = Path(file).parent if file else None
    if folder is None or not folder.is_dir() or trouble not in (Trouble.BROKEN, Trouble.SHUT):
        return trouble
    if shutil.disk_usage(folder).free < A_LITTLE:
        return Trouble.FULL
    if trouble is Trouble.SHUT and os.statvfs(folder).f_flag & os.ST_RDONLY:
        return Trouble.READ_ONLY
    there = Path(file).exists()
    return Trouble.DENIED if trouble is Trouble.SHUT and not os.access(file if there else folder, os.W_OK) else trouble
