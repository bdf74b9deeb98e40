"""Takes from installed packages what a running service does not need: python slim.py SITE-PACKAGES…

Debug sections of libraries (a third of all bytes), the packages' own tests, stubs and tools; and no bytecode is made
for packages that serving does not import.
"""

import compileall
import re
import shutil
import struct
import sys
from pathlib import Path

NOT_SERVING = (
    r"/(sqlalchemy|alembic|mako|pygments|rich|markdown_it|pydantic|google|opentelemetry|requests|apsw|test"
    r"|zxcvbn|phonenumbers/data|phonenumbers/shortdata)/"
)
"""Migrations, help texts and traces, and what is asked at a sign-up: they may take a moment longer. Of apsw only a
library is used."""
NEVER_RUN = (
    "tests",
    "testing",
    "sqlite_extra_binaries",
    "shortdata/region_*.py",
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.c",
    "*.h",
)
"""Folders and files that no process opens."""


def strip(library: Path) -> None:
    """Cut off what lies behind the last byte that the loader maps: section headers, symbols, debug information."""
    data = library.read_bytes()
    if data[:5] != b"\x7fELF\x02" or data[5] != 1:  # 64 bit, little endian
        return
    (start,) = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    ends = [sum(struct.unpack_from("<Q16xQ", data, start + k * size + 8)) for k in range(count)]
    header = bytearray(data[: max(ends)])
    struct.pack_into("<Q", header, 0x28, 0)  # no section headers
    header[0x3A:0x40] = bytes(6)
    library.write_bytes(header)


def main(folders: list[str]) -> None:
    """Make the folders slim."""
    for folder in map(Path, folders):
        for found in [found for name in NEVER_RUN for found in folder.rglob(name)]:
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()
        for library in folder.rglob("*.so*"):
            if library.is_file() and not library.is_symlink():
                strip(library)
        compileall.compile_dir(folder, quiet=2, rx=re.compile(NOT_SERVING))


if __name__ == "__main__":
    main(sys.argv[1:])
