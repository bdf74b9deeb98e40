"""A plug-in of schemathesis: good ids become those that things have here, so that others' things are asked for."""

from typing import Any

import schemathesis

NEAR = (1, 2, 3, 4, 900, 3_333)
"""Accounts, rents, bills, reports and a bike of tests.security.asking, the admin and the manager's number."""
MOST = 2**53 - 1


def near(given: Any) -> Any:
    """The same with each good id nearer; a wrong one, and an amount or a percentage, is what it was: what must be
    refused stays so."""
    if not isinstance(given, dict):
        return given
    return {name: _nearer(value) if name.endswith("id") else value for name, value in given.items()}


def _nearer(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and max(NEAR) < value <= MOST:
        return NEAR[value % len(NEAR)]
    return value


@schemathesis.hook
def map_path_parameters(_ctx: Any, path_parameters: Any) -> Any:
    """Numbers in the path."""
    return near(path_parameters)


@schemathesis.hook
def map_query(_ctx: Any, query: Any) -> Any:
    """Numbers that are searched for."""
    return near(query)


@schemathesis.hook
def map_body(_ctx: Any, body: Any) -> Any:
    """Numbers that are sent."""
    return near(body)
