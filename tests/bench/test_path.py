"""A request goes through no more calls and files than a newcomer can follow."""

import pytest

from dev.bench.path import ways

MOST = {"POST": (114, 20), "PATCH": (54, 17), "GET": (23, 7)}
"""Calls and files of each request. The aim: 110 and 18, 60 and 14, 30 and 10."""


@pytest.mark.parametrize("method", MOST)
async def test_a_rent_takes_few_calls_in_few_files(method: str) -> None:
    [way] = [way for way in await ways() if way.request.startswith(f"{method} ")]
    calls, files = MOST[method]
    assert (way.calls <= calls, way.files <= files) == (True, True), f"{way.calls} calls in {way.files} files"
