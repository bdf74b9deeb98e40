"""Every event that this version knows, by its name: the `PUBLISHES` of the modules beside this one."""

from importlib import import_module
from pkgutil import iter_modules

from gbike import contracts

_SPEAKERS = sorted(one.name for one in iter_modules(contracts.__path__) if one.name != "events")
EVENTS: dict[str, type[contracts.Event]] = {
    kind.__name__: kind for name in _SPEAKERS for kind in import_module(f"gbike.contracts.{name}").PUBLISHES
}
