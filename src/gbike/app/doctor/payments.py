"""Money that is none: the test payment provider where riders sign in."""

from collections.abc import Iterator, Mapping, Sequence

from gbike.app.data_folder import DataFolder
from gbike.app.defaults import with_defaults
from gbike.app.doctor.finding import Finding
from gbike.app.doctor.running import answer_of
from gbike.app.modes import is_secure

BUTTON = b'/testPayment"'
"""How a process describes the operation that there is with the test provider alone."""


def tested(folder: DataFolder, env: Mapping[str, str], addresses: Sequence[str]) -> Iterator[Finding]:
    """Where riders top up with nothing: the settings here, and what runs at one of these addresses."""
    if not is_secure(folder, env):
        return
    found = ["the settings"] if with_defaults(env, secure=True)["GBIKE_PAYMENT_PROVIDER"] == "test" else []
    for url in (url for many in addresses for url in many.split(",") if url.startswith("http://")):
        answer = answer_of(url, "/openapi.json")
        if answer is not None and BUTTON in answer[1]:
            found.append(url)
    for where in found:
        what = f"{where}: GBIKE_PAYMENT_PROVIDER=test, so every rider tops up with a tap and no money moves"
        yield Finding("test-payments", what, "unset it, but where gbike is tried out")
