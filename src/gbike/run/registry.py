"""Which services there are. A service that is not in the installation (a container image holds one) is left out."""

from importlib import import_module
from importlib.util import find_spec

from gbike.kit.service import ServiceSpec
from gbike.run import CannotDo
from gbike.services import NAMES

FIRST_PORT, GATEWAY_PORT = 8081, 8088
"""The original's services have the ports from here on, in this order; those that came later follow the gateway."""
_SHORT = {"view": "rent_and_billing_view"}


class NoSuchService(CannotDo):
    """There is no service of that name."""


def spec(name: str) -> ServiceSpec:
    """What is known of a service, by its name as people write it: `userDeposit`, `view`. Raises NoSuchService."""
    plain = name.replace("_", "").lower()
    for known in NAMES:
        if plain in (known.replace("_", ""), *(short for short, long in _SHORT.items() if long == known)):
            found: ServiceSpec = import_module(f"gbike.services.{known}.wiring").SPEC
            return found
    raise NoSuchService(f"there is no service {name!r}; there are {', '.join(NAMES)}")


def usual_port(name: str) -> int:
    """Where a service listens unless it is told otherwise, also one that is not in this installation."""
    port = FIRST_PORT + NAMES.index(name)
    return port if port < GATEWAY_PORT else port + 1


def specs() -> list[ServiceSpec]:
    return [spec(name) for name in NAMES if find_spec(f"gbike.services.{name}")]


def speakers() -> dict[str, str]:
    """Who says each type of event, be that service in this installation or not: every contract is."""
    found: dict[str, str] = {}
    for name in NAMES:
        if find_spec(f"gbike.contracts.{name}"):
            published: tuple[type, ...] = import_module(f"gbike.contracts.{name}").PUBLISHES
            found |= {kind.__name__: name for kind in published}
    return found
