"""The original's scenarios where gbike is closed: the document's commands as they are, and `Authorization` added."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.account.house import admin_file, gbike, up
from tests.cluster.running import started, until, why_no_cluster
from tests.journeys.test_original_scenarios import (
    ADMIN,
    KIM,
    LEE,
    SETTLE_S,
    Typist,
    http,
    no_rent,
    scenarios,
    the_bike_is_in_use,
)
from tests.security.asking import CHEAP
from tests.support import EVERY_RIDE_COSTS

PASSWORD = "a bicycle at dawn"
POLLING = {"GBIKE_LIMIT_READS_PER_MIN": "0"}
"""A typist looks again and again until it is as it should be, faster than a person."""
CHANGES = ("POST", "PUT", "PATCH")
Answer = tuple[int, dict[str, str], Any]
"""Status, headers and JSON."""


class Town(Typist):
    """Kim, Lee and an admin, who are signed in. What changes something is typed without a token first."""

    def __init__(self, data: Path, address: str) -> None:
        """Kim put it up, so that account 1 is hers, hands that over to the admin, and goes on as rider and staff."""
        super().__init__(data, address)
        self.refused = 0
        self._tokens = {KIM: self._sign_in(KIM, 1)}
        for number, contact in ((2, LEE), (3, ADMIN)):
            signed_up = http(f'POST {address}/accounts name=Lee contact={contact} password="{PASSWORD}"')
            assert signed_up[0] == 202, signed_up
            if contact == ADMIN:
                self._grant(KIM, number, """roles:='["admin"]'""")
            self._tokens[contact] = self._sign_in(contact, number)
        self._grant(ADMIN, 1, """roles:='["rider", "bikeManager"]' managerid=1""")
        self._tokens[KIM] = self._sign_in(KIM, 1)

    def type(self, command: str, by: str) -> Answer:
        """See Typist.type."""
        if command.split()[1] in CHANGES:
            status, headers, _ = super().type(command, by)
            assert (status, headers.get("www-authenticate")) == (401, 'Bearer realm="gbike"'), command
            self.refused += 1
        known = f'{command} Authorization:"Bearer {self._tokens[by]}"'
        return until(lambda: _unless_blocked(super(Town, self).type(known, by)), SETTLE_S, "rent heard of no deposit")

    def _sign_in(self, contact: str, number: int) -> str:
        status, _, session = http(f'POST {self.address}/sessions contact={contact} password="{PASSWORD}"')
        assert (status, session["userid"]) == (200, number), session
        return str(session["access_token"])

    def _grant(self, by: str, number: int, what: str) -> None:
        token = self._tokens[by]
        granted = http(f'PUT {self.address}/accounts/{number}/roles {what} Authorization:"Bearer {token}"')
        assert granted[0] == 200, granted


def _unless_blocked(answer: Answer) -> Answer | None:
    """The answer, unless rent has not heard of the rider's deposit yet: services settle a moment after each other."""
    blocked = answer[0] == 403 and answer[2]["type"].endswith("#rider-blocked")
    return None if blocked else answer


@pytest.mark.timeout(180)
def test_the_original_scenarios_give_the_same_states_with_tokens(tmp_path: Path) -> None:
    """All but 4.2, the bike service that is down: in one process that is a fault of the demo's, and the cluster's."""
    first = str(admin_file(tmp_path, KIM, PASSWORD))
    with up(tmp_path / "data", "--admin-file", first, env={**EVERY_RIDE_COSTS, **POLLING}) as house:
        town = Town(house.data, house.address)
        scenarios(town, the_bike_is_in_use)
        assert town.refused == 14


@pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a cluster of its own: GBIKE_FULL=1")
@pytest.mark.timeout(300)
def test_they_do_on_a_cluster_too(tmp_path: Path) -> None:
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    with started(secure={**CHEAP, **POLLING}) as cluster:
        file = str(admin_file(tmp_path, KIM, PASSWORD))
        made = gbike("account", "create-admin", "--data", str(cluster.data), "--admin-file", file)
        assert made.returncode == 0, made.stderr
        town = Town(cluster.data, cluster.url)
        scenarios(town, no_rent)
        assert town.refused == 15
