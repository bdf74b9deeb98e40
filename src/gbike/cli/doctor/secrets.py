"""Secrets and certificates that are missing, readable by others, too short or old; a demo where none should be."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from gbike.cli.doctor.finding import Finding
from gbike.kit.auth.certificates import expires
from gbike.kit.clock import Clock
from gbike.kit.storage.postgres.login import SETTING as PASSWORD_FILE
from gbike.kit.storage.postgres.login import with_password
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, mode_of

READ_BY_US = (
    *("GBIKE_SERVICE_KEY_FILE", "GBIKE_SCRAPER_TOKEN_FILE", "GBIKE_ADMIN_FILE", "GBIKE_TLS_KEY_FILE"),
    *("GBIKE_PAYMENT_SECRET_FILE", "GBIKE_KAFKA_PASSWORD_FILE", PASSWORD_FILE),
)
"""Settings that name a file with a secret."""
FOLDERS = ("GBIKE_ACCOUNT_KEYS",)
"""Settings that name a folder of them."""
CERTIFICATES = ("GBIKE_TLS_CERT_FILE", "GBIKE_TLS_CA_FILE")
"""Settings that name a certificate."""
SOON = timedelta(days=14)
"""Who renews by a machine renews earlier, and who renews by hand has a fortnight."""
IN_DATA = ("*.pem", "*.key", "*.token", "*.pass", "*.password", "server.properties", "resets.jsonl")
"""What is a secret in a data folder, by its name."""
OTHERS_MAY = 0o007
OTHERS_LOOK = 0o006
"""Who may only pass through a folder sees nothing: where root starts a cluster, PostgreSQL's user does."""
SHORTEST_TOKEN = 32
SHORTEST_PASSWORD = 16
"""Of a database that other machines reach: nobody types it, so it may as well be long."""
LOOPBACK = ("", "127.0.0.1", "::1", "localhost")


def files(data: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    """A data folder that others may look into, and files of secrets that are not there or that others may read."""
    named = [(name, Path(env[name])) for name in READ_BY_US if env.get(name)]
    named += [(name, file) for name in FOLDERS if env.get(name) for file in _of_folder(Path(env[name]))]
    named += [("the data folder", file) for pattern in IN_DATA for file in sorted(data.rglob(pattern))]
    if data.is_dir() and data.stat().st_mode & OTHERS_LOOK:
        yield Finding("open-secret", f"{data} may be looked into by everybody on this machine", f"chmod go-rw {data}")
    for name, file in named:
        if not file.is_file():
            yield Finding("missing-secret", f"{name} names {file}, which is not there", "make it, or name another")
        elif file.stat().st_mode & OTHERS_MAY:
            yield Finding("open-secret", f"{file} may be read by everybody on this machine", f"chmod 600 {file}")


def old_certificates(data: Path, env: Mapping[str, str], clock: Clock) -> Iterator[Finding]:
    named = [(name, Path(env[name])) for name in CERTIFICATES if env.get(name)]
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


def weak(env: Mapping[str, str]) -> Iterator[Finding]:
    """Tokens and passwords that can be guessed."""
    token = Path(env.get("GBIKE_SCRAPER_TOKEN_FILE") or "-")
    if token.is_file() and len(token.read_text("utf-8-sig", "replace").strip()) < SHORTEST_TOKEN:
        how = f"write {SHORTEST_TOKEN} random characters or more into it"
        yield Finding("weak-secret", f"the token in {token} is short", how)
    file = env.get(PASSWORD_FILE, "")
    url = urlsplit(with_password(env.get("GBIKE_STORE_URL", ""), file if Path(file).is_file() else ""))
    if url.scheme.startswith("postgresql") and (url.hostname or "") not in LOOPBACK:
        password = url.password or ""
        if len(password) < SHORTEST_PASSWORD or password == url.username or re.fullmatch(r"(.)\1*", password):
            how = f"give {url.username or 'the role'} {SHORTEST_PASSWORD} random characters"
            yield Finding("weak-secret", f"the password of the database at {url.hostname} is short or simple", how)


def demo(folder: DataFolder, env: Mapping[str, str]) -> Iterator[Finding]:
    """What is open to everybody, beside settings that say that it is meant seriously."""
    is_open = env.get("GBIKE_DEMO", "0") not in ("0", "false", "")
    if env.get("GBIKE_ENV") == "production":
        if is_open:
            yield Finding("demo-in-production", "GBIKE_DEMO is set with GBIKE_ENV=production", "unset GBIKE_DEMO")
        if env.get("GBIKE_DEMO_SLOW_MS"):
            yield Finding("demo-in-production", "GBIKE_DEMO_SLOW_MS makes every answer late", "unset it")
        if mode_of(folder) is Mode.DEMO:
            what = f"{folder.path} is the data of a demo, and GBIKE_ENV=production"
            yield Finding("demo-in-production", what, "start with a folder of its own: --data")
    host = urlsplit(env.get("GBIKE_STORE_URL", "")).hostname or ""
    if is_open and host not in LOOPBACK and "KUBERNETES_SERVICE_HOST" not in env:
        what = f"GBIKE_DEMO is set and the database is at {host}"
        yield Finding("demo-on-real-store", what, "unset GBIKE_DEMO, or use a database of this machine")


def _of_folder(folder: Path) -> list[Path]:
    """The files of a folder; the folder itself when it is empty or not there, which is then told as missing."""
    return (sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []) or [folder]
