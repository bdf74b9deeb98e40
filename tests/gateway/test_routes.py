"""The route table: which path belongs to whom, and that nothing internal is behind the public door."""

import pytest

from gbike.gateway.http import RouteTable

TABLE = RouteTable({"/rents": "rent", "/rentAndBillingViews": "view"}, {"/rentandbillingviews": "/rentAndBillingViews"})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/rents", ("rent", "/rents")),
        ("/rents/1", ("rent", "/rents/1")),
        ("/rents/1/x", ("rent", "/rents/1/x")),
        ("/rentandbillingviews/search/findByUserid", ("view", "/rentAndBillingViews/search/findByUserid")),
        ("/rentsandmore", None),
        ("/", None),
        ("/internal/bikes/1/reservations/1", None),
        ("//rents", None),
    ],
)
def test_a_path_belongs_to_the_service_of_its_first_word(path: str, found: tuple[str, str] | None) -> None:
    assert TABLE.find(path) == found
