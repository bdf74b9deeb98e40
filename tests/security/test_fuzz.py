"""schemathesis in the name of each role: nothing fails, and nobody gets what the table does not grant."""

from pathlib import Path

import pytest
from starlette.types import ASGIApp

from gbike.kit.money import MAX_WON
from gbike.run.embedded import Embedded
from tests.journeys.fuzzing import FULL, PATIENCE_S, schemathesis, served
from tests.security.asking import ADMIN, MANAGER
from tests.security.near_numbers import NEAR, near
from tests.security.test_matrix import InMemory
from tests.security.witness import Person, Witness

PHASES, EXAMPLES = ("examples,coverage,fuzzing,stateful", "15") if FULL else ("examples,fuzzing", "2")
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.security.near_numbers", "PYTHONPATH": str(Path(__file__).parents[2])}


class Asked:
    """A secure gbike with people and what is theirs, one of whom schemathesis asks as."""

    witness: Witness
    token: str | None

    def __init__(self, column: str) -> None:
        self.column = column

    async def opened(self) -> tuple[Embedded, ASGIApp]:
        """See served."""
        stage = InMemory()
        await stage.prepare()
        self.token = stage.client("rent", self.column, right="", wrong="").token  # type: ignore[attr-defined]
        numbers = {"rider": (stage.riders.userid, 0), "manager": (stage.managers.userid, MANAGER), "admin": (ADMIN, 0)}
        person = Person(self.column, *numbers.get(self.column, ()))
        whole = stage.locked.whole
        self.witness = Witness(whole.app, {f"Bearer {self.token}".encode(): person})
        return whole, self.witness


full = pytest.mark.skipif(not FULL, reason="every role, and more of each: GBIKE_FULL=1")


@pytest.mark.parametrize("column", ["rider", *(pytest.param(c, marks=full) for c in ("anonymous", "manager", "admin"))])
@pytest.mark.timeout(PATIENCE_S + 90)
def test_schemathesis_gets_nothing_that_the_table_does_not_grant(column: str, tmp_path: Path) -> None:
    asked = Asked(column)
    with served(asked.opened) as address:
        stranger = ["--exclude-checks", "unsupported_method"]  # any change is 401 to them, also one that there is not
        named = ["-H", f"Authorization: Bearer {asked.token}"] if asked.token else stranger
        schemathesis(address, tmp_path, PHASES, EXAMPLES, *named, env=HOOKS)
    assert asked.witness.wrong == [], asked.witness.seen
    assert asked.witness.seen[column, "2xx"] > (5 if column == "anonymous" else 20)
    assert asked.witness.seen[column, "4xx"] > 20


def test_only_ids_are_brought_near_so_that_what_must_be_refused_stays_so() -> None:
    sent = near({"userid": MAX_WON + 1, "amount": MAX_WON + 1, "batterylevel": 5_000, "bikeid": -1})
    assert (sent.pop("userid") in NEAR, sent) == (True, {"amount": MAX_WON + 1, "batterylevel": 5_000, "bikeid": -1})
