"""What may be set of the gateway."""

from typing import Annotated

import msgspec
from msgspec import Meta


class GatewaySettings(msgspec.Struct, frozen=True):
    """What may be set of the gateway of the distributed form."""

    gateway_origins: Annotated[
        str, Meta(description="web origins that may call, separated by commas; the demo is open to all")
    ] = ""
    gateway_timeout_ms: Annotated[int, Meta(gt=0, description="a service must answer within this, ms")] = 5_000
    gateway_requests_per_s: Annotated[
        int, Meta(ge=0, description="requests let through a second, twice as many at once; 0: no limit; none in demo")
    ] = 1_000
    gateway_trusted_proxies: Annotated[
        int, Meta(ge=0, le=10, description="proxies in front of it whose X-Forwarded headers are believed")
    ] = 0
