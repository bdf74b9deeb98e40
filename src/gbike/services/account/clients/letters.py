"""How people are reached: until an operator plugs in something better, a file from which the operator forwards.

A line names the account by its number only, so that the file holds nobody's contact.
"""

import os
from pathlib import Path

import msgspec

from gbike.kit.clock import rfc3339
from gbike.kit.telemetry import log

MOST_BYTES = 1024 * 1024
"""Of the file; then it begins anew: by then the tokens in it are long of no use."""


class Letter(msgspec.Struct, frozen=True):
    """One line of the file."""

    to: str
    about: str
    link: str
    expires: str


class LetterFile:
    """Sender (ports): a line of JSON for each, in a file that only its owner reads."""

    def __init__(self, file: Path | None, page: str) -> None:
        """`file` None: nothing is sent. `page`: where people set their new password; the token follows its `#`."""
        self._file, self._page = file, page

    async def send_reset(self, userid: int, token: str, expires_ms: int) -> None:
        """See Sender.send_reset."""
        if self._file is None:
            log.warning("a reset was asked for, but GBIKE_RESET_FILE is not set", service="account")
            return
        letter = Letter(f"account {userid}", "password reset", f"{self._page}#{token}", rfc3339(expires_ms))
        try:
            self._append(self._file, msgspec.json.encode(letter) + b"\n")
        except OSError as failure:
            log.error("a reset could not be sent", service="account", why=failure.strerror)

    def _append(self, file: Path, line: bytes) -> None:
        if file.exists() and file.stat().st_size > MOST_BYTES:
            file.unlink()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
            out.write(line)
