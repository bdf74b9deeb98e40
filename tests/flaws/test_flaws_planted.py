"""Each check of a flaw fails when its fix is taken out, and every flaw that applies to this form has a check.

What has no check here, and why:

| flaw | why |
|---|---|
| 42 | who may do what, and rate limits: tests/security/test_matrix.py, test_limits.py |
| 43 | origins and timeouts: tests/security/test_owasp.py (api8), tests/gateway/test_edge.py, test_faults.py |
| 44 | probes, names and limits are in the manifests: tests/kubernetes/test_manifests.py, test_healing.py |
| 45 | who runs, from which image: tests/kubernetes/test_manifests.py, test_images.py; what is logged: tests/privacy |
| 46 | secrets in files: tests/pipeline/test_security.py; that there are tests needs no test |

What each flaw is: docs/guide/original.md. Of flaws 12 and 34 who may ask is tests/security/test_matrix.py's; that a GET
changes nothing and that a deposit is never overwritten is checked here.
"""

import pytest

from tests.flaws import test_flaws_events, test_flaws_money, test_flaws_rides, test_flaws_view
from tests.flaws.planting import REGISTER, Planted

MODULES = (test_flaws_events, test_flaws_rides, test_flaws_money, test_flaws_view)


def _name(planted: Planted) -> str:
    return f"{planted.check.__name__}-{REGISTER.index(planted)}"


@pytest.mark.parametrize("planted", REGISTER, ids=_name)
async def test_a_flaw_that_comes_back_is_seen(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        planted.plant(patch)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await planted.check()


def test_every_flaw_that_applies_has_a_test_named_for_it() -> None:
    named = {int(name.split("_")[2]) for module in MODULES for name in vars(module) if name.startswith("test_flaw_")}
    assert named == set(range(1, 42))
    assert {planted.number for planted in REGISTER} == named
