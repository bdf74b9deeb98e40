"""A request goes through no more calls and files than a newcomer can follow."""

import pytest

from dev.bench.path import ways

MOST = {"POST": (110, 18), "PATCH": (50, 14), "GET": (21, 6)}
"""Calls and files of each request."""


@pytest.mark.parametrize("method", MOST)
async def test_a_rent_takes_few_calls_in_few_files(method: str) -> None:
    [way] = [way for way in await ways() if way.request.startswith(f"{method} ")]
    calls, files = MOST[method]
    assert (way.calls <= calls, way.files <= files) == (True, True), f"{way.calls} calls in {way.files} files"
