"""A file from which the operator forwards. A line names the account by its number only, so that the file holds nobody's
contact."""

import os
from pathlib import Path

import msgspec

from gbike.kit.telemetry import log
from gbike.services.account.clients.mail import Letter

MOST_BYTES = 1024 * 1024
"""Of the file; then it begins anew: by then the tokens in it are long of no use."""


class LetterFile:
    """Post: a line of JSON for each letter, in a file that only its owner reads."""

    def __init__(self, file: Path | None) -> None:
        """`file` None: nothing is kept."""
        self._file = file

    def bring(self, letter: Letter, contact: str) -> None:
        """See Post.bring."""
        if self._file is None:
            log.warning("a letter is not sent: GBIKE_RESET_FILE is not set", service="account", about=str(letter.about))
            return
        try:
            self._append(self._file, msgspec.json.encode(letter) + b"\n")
        except OSError as failure:
            log.error("a letter could not be sent", service="account", about=str(letter.about), why=failure.strerror)

    def forget(self, whom: str) -> None:
        """See Post.forget."""
        if self._file is None or not self._file.exists():
            return
        theirs = f'"to":"{whom}"'.encode()
        try:
            with self._file.open("r+b") as file:  # the same file, so that it stays its owner's alone
                kept = [line for line in file if theirs not in line]
                file.seek(0)
                file.writelines(kept)
                file.truncate()
        except OSError as failure:
            log.error("letters could not be taken back", service="account", why=failure.strerror)

    def _append(self, file: Path, line: bytes) -> None:
        if file.exists() and file.stat().st_size > MOST_BYTES:
            file.unlink()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
            out.write(line)
