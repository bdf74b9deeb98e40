"""Where a planted bug goes in: another function stands in the place of one, wherever that was imported to.

No bug reads or changes source text, so code may be rewritten around it; when a name is gone, planting fails with it.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from gbike.kit.messaging import outbox
from gbike.kit.store import Tx
from gbike.run.registry import specs

Seam = Callable[[pytest.MonkeyPatch], None]
"""Plants a part of a bug; the patch takes it out again."""


def replaced(where: Any, name: str, made: Callable[[Any], Any]) -> Seam:
    """`made` of the function or method stands in its place: a module's function in every module that knows it, and in
    their tables of policies. Raises AttributeError when there is none."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(where, name)
        changed = made(original)
        if not isinstance(where, ModuleType):
            patch.setattr(where, name, changed)
            return
        specs()  # loads every service, or one that is loaded meanwhile keeps the bug
        for module in [module for known, module in sorted(sys.modules.items()) if known.startswith("gbike.")]:
            for table in (vars(module), vars(module).get("POLICIES", {})):
                for key in [key for key, value in table.items() if value is original]:
                    patch.setitem(table, key, changed)

    return plant


def answering(where: Any, name: str, answer: Any) -> Seam:
    """It does nothing, and answers this."""
    return replaced(where, name, lambda _original: lambda *_args, **_named: answer)


def before(where: Any, name: str, sql: str, params: Callable[..., tuple[Any, ...]]) -> Seam:
    """A statement runs ahead of a function of an open transaction, which then looks at other rows; its parameters come
    from the function's arguments."""

    def made(original: Any) -> Any:
        def preceded(tx: Tx, *args: Any, **named: Any) -> Any:
            tx.execute(sql, params(*args, **named))
            return original(tx, *args, **named)

        return preceded

    return replaced(where, name, made)


def given(where: Any, name: str, change: Callable[..., tuple[Any, ...]]) -> Seam:
    """It gets other arguments than it is given."""
    return replaced(where, name, lambda original: lambda *args: original(*change(*args)))


async def mark_then_append(relay: outbox.Relay) -> int:
    """A step of a relay that marks before it appends."""
    waiting = await relay._store.read(outbox._unpublished)
    if waiting:
        await relay._store.write(outbox._mark_published, [number for number, _ in waiting], 1, "", 0)
        await relay._bus.append([message for _, message in waiting])
    return len(waiting)
