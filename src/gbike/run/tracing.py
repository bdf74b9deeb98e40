"""Whether spans are sent, and how that is begun and ended: as the standard OTEL_ variables say."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gbike.kit.telemetry import log

if TYPE_CHECKING:
    from gbike.kit.telemetry.otel import Exporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""One of these is set by whoever wants spans."""
FAREWELL_S = 0.5
"""How long a stop waits until the last spans are sent; more than that is not worth waiting for."""


def start_tracing(env: Mapping[str, str]) -> "Exporter | None":
    """The exporter that `env` asks for. None, and nothing is imported or measured, when it asks for none."""
    if not any(env.get(name) for name in ENDPOINTS) or env.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from gbike.kit.telemetry.otel import Exporter
    except ImportError as missing:
        log.warning("no spans are sent; install gbike[distributed]", missing=missing.name)
        return None
    return Exporter()


def stop_tracing(tracing: "Exporter | None") -> None:
    """Send the last spans, for FAREWELL_S at most."""
    if tracing is not None:
        farewell = threading.Thread(target=tracing.close, name="last spans", daemon=True)
        farewell.start()
        farewell.join(FAREWELL_S)
