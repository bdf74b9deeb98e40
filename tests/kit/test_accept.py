"""Which of our two forms a client gets: what it likes best."""

import pytest

from gbike.kit.http.problems import NOT_ACCEPTABLE, Problem
from gbike.kit.http.request import HAL_JSON, JSON, preferred_media


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "application/hal+json",
        "application/*+json",
        "Application/*+JSON;q=0.3",
        "text/html, */*;q=0.1",
        "application/*+json, application/json",
        "application/json;q=0.5, application/hal+json",
        "application/problem+json",
        "application/json;q=0.8, application/*+json;q=0.9",
        "application/json;q=0, */*",
        "application/hal+json, application/json",
        "application/json;q=0.2, */*;q=0.4",
    ],
)
def test_hal_is_what_these_clients_get(accept: str) -> None:
    assert preferred_media(accept) == HAL_JSON


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/json, */*",
        "application/json, text/plain, */*",
        "application/json, application/*+json",
        "application/hal+json;q=0, */*",
        "application/*+json;q=0.1, application/json;q=0.2",
        "application/hal+json;q=0.001, application/json",
        "application/hal+json;q=0, application/*+json, application/json;q=0.1",
    ],
)
def test_json_is_what_these_clients_get(accept: str) -> None:
    assert preferred_media(accept) == JSON


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml, text/*",
        "*/*;q=0",
        "application/*+json;q=0.000",
        "application/xml,",
        "a," * 16_000 + "*/*",
    ],
)
def test_neither_is_not_acceptable(accept: str) -> None:
    with pytest.raises(Problem) as refused:
        preferred_media(accept)
    assert refused.value.type is NOT_ACCEPTABLE
