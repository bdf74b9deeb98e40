"""New keys for access tokens, while gbike runs."""

from pathlib import Path

from gbike.app.cluster import secrets
from gbike.app.cluster.plan import read_plan
from gbike.kit.access.keyring import PREVIOUS, SIGN_AFTER_S, BadKeys, KeyFolder
from gbike.kit.clock import SystemClock

LONGEST_TOKEN_S = 900
"""No access token lasts longer: until then the key before the last is needed."""


def rotate(data: Path, keys: Path | None, *, now: bool) -> str:
    """Make a new key. Raises BadKeys when there is none before, or tokens of the one before it may still be good."""
    if keys is None:
        in_cluster = Path(secrets.told(data, "account")["GBIKE_ACCOUNT_KEYS"])
        keys = in_cluster if read_plan(data) else data / "keys"
    folder, previous = KeyFolder(keys), keys / PREVIOUS
    folder.published()
    age_s = SystemClock().now_ms() / 1000 - previous.stat().st_mtime if previous.exists() else LONGEST_TOKEN_S
    if age_s < LONGEST_TOKEN_S and not now:
        left = int(LONGEST_TOKEN_S - age_s) + 1
        raise BadKeys(f"the keys were rotated {int(age_s)} s ago: wait {left} s, or say --now and end tokens before")
    return f"tokens are signed with {folder.rotate()} in {SIGN_AFTER_S} s · 곧 새 키로 서명합니다"
