"""What runs: whether brokers and peers can be reached and the log is the one it was, and whether clocks agree."""

import http.client
import socket
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from gbike.cli.doctor.finding import Finding
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.messaging.bus import KEEP_MS
from gbike.run.cluster.plan import Plan
from gbike.run.defaults import with_defaults
from gbike.run.engines import kafka
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import is_secure

REACH_S = 2.0
"""For one connection: what is slower than that is as good as away."""
MADE_TOGETHER_MS = 600_000
"""A cluster's engines are made at its first start, and a slow machine takes its time."""
BUTTON = b'/testPayment"'
"""How a process describes the operation that there is with the test provider alone."""
MOST_SKEW_MS = 5_000
"""Tokens of services are good for a minute, and fees are counted in minutes; an HTTP date has whole seconds."""


def engines(plan: Plan | None, env: Mapping[str, str]) -> Iterator[Finding]:
    """Brokers and peers that don't take a connection."""
    brokers = env.get("GBIKE_KAFKA") or (plan.kafka if plan else "")
    wanted = [("Kafka", one.strip()) for one in brokers.split(",") if one.strip()]
    wanted += [(name, _place(url)) for name, url in _peers(env)]
    for name, place in wanted:
        host, _, port = place.rpartition(":")
        if not _reached(host, int(port)):
            yield Finding("engine-away", f"{name} at {place} takes no connection", "start it, or mend the setting")


def kafkas_data(folder: Path, clock: Clock) -> Iterator[Finding]:
    """The log of a cluster's folder that is gone, or that was made anew not long ago: later than the stores."""
    stores = folder / "postgres" / "PG_VERSION"
    if not stores.exists() or kafka.why_not() is not None:
        return
    where, made_ms = folder / "kafka", kafka.formatted_ms(folder / "kafka")
    if made_ms is None:
        how = "start it: it is made anew, and every service publishes again what its outbox has"
        yield Finding("log-lost", f"there is no data of Kafka in {where}", how)
    elif made_ms - stores.stat().st_mtime * 1000 > MADE_TOGETHER_MS and clock.now_ms() - made_ms < KEEP_MS:
        what = f"Kafka's data in {where} was made anew at {rfc3339(made_ms)}, after the stores"
        yield Finding(
            "log-lost", what, "what was lost is published again; `gbike verify` says what is missing", wrong=False
        )


def clocks(addresses: Sequence[str], env: Mapping[str, str], clock: Clock) -> Iterator[Finding]:
    """Processes whose clock is not ours, as the dates of their answers tell."""
    urls = [url for many in addresses for url in many.split(",")] + [url for _, url in _peers(env)]
    for url in dict.fromkeys(url for url in urls if url.startswith("http://")):
        before = clock.now_ms()
        told = _date_of(url)
        if told:
            yield from skewed(url, told, (before + clock.now_ms()) // 2)


def skewed(who: str, theirs_ms: int, ours_ms: int) -> Iterator[Finding]:
    """The finding when two clocks are too far apart."""
    apart = theirs_ms - ours_ms
    if abs(apart) > MOST_SKEW_MS:
        what = f"the clock of {who} is {abs(apart) / 1000:.0f} s {'ahead of' if apart > 0 else 'behind'} this machine's"
        yield Finding("clock-skew", what, "let both machines follow a time server (chrony)")


def test_payments(folder: DataFolder, env: Mapping[str, str], addresses: Sequence[str]) -> Iterator[Finding]:
    """Where riders top up with nothing: the settings here, and what runs at one of these addresses."""
    if not is_secure(folder, env):
        return
    found = ["the settings"] if with_defaults(env, secure=True)["GBIKE_PAYMENT_PROVIDER"] == "test" else []
    for url in (url for many in addresses for url in many.split(",") if url.startswith("http://")):
        answer = answer_of(url, "/openapi.json")
        if answer is not None and BUTTON in answer[1]:
            found.append(url)
    for where in found:
        what = f"{where}: GBIKE_PAYMENT_PROVIDER=test, so every rider tops up with a tap and no money moves"
        yield Finding("test-payments", what, "unset it, but where gbike is tried out")


def _peers(env: Mapping[str, str]) -> list[tuple[str, str]]:
    named = [(name, value) for name, value in sorted(env.items()) if name.startswith("GBIKE_PEER_")]
    return [(name, url.strip()) for name, urls in named for url in urls.split(",") if url.strip()]


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _reached(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host.strip("[]"), port), REACH_S):
            return True
    except OSError:
        return False


def _date_of(url: str) -> int | None:
    """When an answer of a process says that it is, ms; None when there is none."""
    date, _ = answer_of(url, "/health/live") or ("", b"")
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1000) if date else None
    except ValueError:
        return None


def answer_of(url: str, path: str) -> tuple[str, bytes] | None:
    """What a process answers to a GET: its date and the body; None when it does not."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=REACH_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.headers.get("Date", ""), answer.read()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
