"""Keys in files: made for one user, changed while others read, and published before they sign."""

import os
import stat
from pathlib import Path

import pytest

from gbike.kit.auth.keyring import (
    CURRENT,
    PREVIOUS,
    SEAL,
    SIGN_AFTER_S,
    BadKeys,
    KeyFolder,
    MadeKeys,
    NotSealedHere,
    Seal,
)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def kids(folder: KeyFolder) -> list[str]:
    return [key.kid for key in folder.published()]


def test_keys_are_made_once_and_for_their_user_only(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    before = os.umask(0)
    try:
        assert folder.make() is True
    finally:
        os.umask(before)
    assert mode(folder.folder) == 0o700
    assert {file.name: mode(file) for file in folder.folder.iterdir()} == {CURRENT: 0o600, SEAL: 0o600}
    made = kids(folder)
    assert folder.make() is False
    assert kids(KeyFolder(folder.folder)) == made


def test_a_new_key_is_published_at_once_and_signs_later(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.make()
    (first,) = kids(folder)
    second = folder.rotate()
    assert kids(folder) == [second, first]
    now_ms = (tmp_path / CURRENT).stat().st_mtime_ns // 1_000_000
    assert folder.signer(now_ms).kid == folder.signer(now_ms + SIGN_AFTER_S * 1000 - 1).kid == first
    assert folder.signer(now_ms + SIGN_AFTER_S * 1000).kid == second
    third = folder.rotate()
    assert kids(folder) == [third, second], "the one before the last is gone"


def test_an_only_key_signs_at_once(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.make()
    assert folder.signer(0).kid == kids(folder)[0]


def test_another_process_sees_the_change(tmp_path: Path) -> None:
    mine, theirs = KeyFolder(tmp_path), KeyFolder(tmp_path)
    mine.make()
    assert kids(theirs) == kids(mine)
    mine.rotate()
    assert kids(theirs) == kids(mine)
    assert len(kids(theirs)) == 2


def test_keys_that_others_may_read_or_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadKeys, match="rotate-keys"):
        KeyFolder(tmp_path / "nowhere").published()
    folder = KeyFolder(tmp_path)
    folder.make()
    (tmp_path / CURRENT).chmod(0o604)
    with pytest.raises(BadKeys, match="chmod 600"):
        KeyFolder(tmp_path).published()
    (tmp_path / CURRENT).write_bytes(b"no key")
    (tmp_path / CURRENT).chmod(0o600)
    with pytest.raises(BadKeys, match="no private key"):
        KeyFolder(tmp_path).published()
    (tmp_path / SEAL).write_bytes(b"short")
    with pytest.raises(BadKeys, match="random bytes"):
        folder.seal()


def test_a_half_written_key_is_never_seen(tmp_path: Path) -> None:
    """What stands in the way of a new file (a crash left it) is no key, and is replaced."""
    folder = KeyFolder(tmp_path)
    folder.make()
    (tmp_path / f".{CURRENT}").write_bytes(b"half a k")
    folder.rotate()
    assert len(kids(folder)) == 2
    assert mode(tmp_path / PREVIOUS) == 0o600


def test_what_is_sealed_opens_only_with_the_key_and_for_whom_it_was_sealed() -> None:
    keys = MadeKeys()
    sealed = keys.seal().close(b"secret", "account 1")
    assert b"secret" not in sealed
    assert keys.seal().open(sealed, "account 1") == b"secret"
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for other, text, whose in (
        (keys.seal(), sealed, "account 2"),
        (keys.seal(), changed, "account 1"),
        (Seal(b"k" * 32), sealed, "account 1"),
    ):
        with pytest.raises(NotSealedHere):
            other.open(text, whose)


def test_no_two_sealings_are_alike() -> None:
    seal = MadeKeys().seal()
    assert seal.close(b"secret", "a") != seal.close(b"secret", "a")


def test_a_published_key_has_no_private_half() -> None:
    (key,) = MadeKeys().published()
    assert set(key.jwk) == {"kty", "crv", "x", "kid", "use", "alg"}
