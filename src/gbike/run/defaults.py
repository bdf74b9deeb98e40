"""What the open and the secure forms set where the environment says nothing: one table, laid under it. Services read
settings and know nothing of forms."""

from collections.abc import Mapping

DEMO_DEFAULTS: Mapping[str, str] = {"GBIKE_PAYMENT_PROVIDER": "test"}
"""Demo: everybody may do everything, so nobody pays with money. Everything else is as the original has it."""
SECURE_DEFAULTS: Mapping[str, str] = {
    "GBIKE_DEPOSIT_EXPECTED": "required",
    "GBIKE_MANAGER_NUMBERS": "rider",
    "GBIKE_MAX_OPEN_RENTS_PER_RIDER": "1",
    "GBIKE_OFFER_FROM_BATTERY": "10",
    "GBIKE_PAYMENT_PROVIDER": "",
    "GBIKE_POINTS_FOR": "changes",
    "GBIKE_POINTS_PER_BIKE": "3",
    "GBIKE_POINTS_PER_DAY": "20000",
    "GBIKE_RENT_MINIMUM_KRW": "1000",
}
"""Secure forms: `gbike up`, `cluster up` and `gbike serve` without demo, Kubernetes in production. Every name of the
demo is here, so that the demo's defaults, laid under these, change nothing."""


def with_defaults(env: Mapping[str, str], *, secure: bool) -> dict[str, str]:
    """`env` over the defaults of a form."""
    return {**(SECURE_DEFAULTS if secure else DEMO_DEFAULTS), **env}


def about_test_payments(env: Mapping[str, str]) -> str:
    """What an operator of a secure form is told of the test provider, a line in each language; empty: it is not set."""
    if with_defaults(env, secure=True)["GBIKE_PAYMENT_PROVIDER"] != "test":
        return ""
    return (
        "GBIKE_PAYMENT_PROVIDER=test: riders top up with a tap, no money moves.\n"
        "테스트 결제가 켜져 있어서 돈을 내지 않고 충전할 수 있어요.\n"
    )
