"""Certificates of mutual TLS that are missing, have expired or soon will."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gbike.app.doctor.finding import Finding
from gbike.kit.access.certificates import expires
from gbike.kit.clock import Clock

NAMED = ("GBIKE_TLS_CERT_FILE", "GBIKE_TLS_CA_FILE")
SOON = timedelta(days=14)
"""Who renews by a machine renews earlier, and who renews by hand has a fortnight."""


def old(data: Path, env: Mapping[str, str], clock: Clock) -> Iterator[Finding]:
    """Of the settings, and in the data folder of a cluster."""
    named = [(name, Path(env[name])) for name in NAMED if env.get(name)]
    named += [("the data folder", file) for file in sorted(data.rglob("*.crt"))]
    for name, file in named:
        try:
            until = expires(file)
        except (OSError, ValueError) as wrong:
            what = f"{name} names {file}, which is no certificate: {getattr(wrong, 'strerror', None) or wrong}"
            yield Finding("missing-certificate", what, "put it there; services of a cluster get theirs at its start")
            continue
        left = until - datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        if left < SOON:
            how = "expired" if left < timedelta(0) else "expires"
            what = f"{file} {how} at {until:%Y-%m-%d %H:%M} UTC"
            yield Finding("old-certificate", what, "renew it, no restart is needed; a cluster: start it anew")
