"""A file of bikes comes in whole through either gateway, and nothing else that is as large does."""

from collections.abc import Callable

import pytest

from gbike.kit.http.request import MAX_BODY
from gbike.services.bike.http.imports import BASE, MOST_BYTES
from tests.gateway.conftest import Town
from tests.gateway.servers import ask as asked
from tests.gateway.test_faults import problem
from tests.support import Reply

FILE = "bikeid,location\n9001,정자역\n".encode()

Ask = Callable[[str, str, bytes], Reply]


@pytest.fixture(params=["Envoy", "embedded"])
def ask(request: pytest.FixtureRequest, town: Town) -> Ask:
    """Asks one of the two."""
    if request.param == "Envoy":
        return lambda method, path, body: town.envoy.ask(method, path, body)
    return lambda method, path, body: asked(town.embedded_port, method, path, body)


def test_a_file_of_16_mib_is_taken(ask: Ask) -> None:
    answer = ask("POST", f"{BASE}?dryrun=true", FILE + b" " * (MOST_BYTES - len(FILE)))
    assert (answer.status, answer.json["first"][0]["bike"]["bikeid"]) == (202, 9001)


def test_a_larger_file_and_every_other_large_body_is_refused(ask: Ask) -> None:
    answer = ask("POST", f"{BASE}?dryrun=true", FILE + b" " * MOST_BYTES)
    problem(answer, 413, "body-too-large")
    assert answer.json["most_bytes"] == MOST_BYTES
    for path in ("/bikes", f"{BASE}/1", "/rents"):
        answer = ask("POST", path, b" " * (MAX_BODY + 1))
        assert answer.status in (405, 413), answer
        if answer.status == 413:
            assert answer.json["most_bytes"] == MAX_BODY
