"""A password is the same however a keyboard composes it, and hashes of before fit as they were typed."""

import unicodedata

from argon2 import PasswordHasher

from gbike.kit.auth.passwords import Passwords, PasswordSettings

CHEAP = PasswordSettings(password_memory_kib=8_192, password_passes=1)
COMPOSED = unicodedata.normalize("NFC", "정자역 자전거 café")
APART = unicodedata.normalize("NFD", COMPOSED)


async def test_a_password_is_one_however_it_is_composed() -> None:
    passwords = Passwords(CHEAP)
    kept = [await passwords.hash(typed) for typed in (COMPOSED, APART)]
    for hashed in kept:
        assert [await passwords.fits(hashed, typed) for typed in (COMPOSED, APART, "정자역")] == [True, True, False]


async def test_a_hash_of_before_fits_as_it_was_typed() -> None:
    before = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(APART)
    assert await Passwords(CHEAP).fits(before, APART)


async def test_of_several_hashes_the_right_one_is_found_and_failing_costs_the_same_for_any_number() -> None:
    passwords = Passwords(CHEAP)
    kept = [await passwords.hash(word) for word in ("first one", "second one")]
    checked: list[str] = []
    fits = passwords._fits
    passwords._fits = lambda one, way: checked.append(one) or fits(one, way)  # type: ignore[method-assign, func-returns-value]
    assert [await passwords.which(kept, word, 2) for word in ("first one", "second one")] == [0, 1]
    for some in ([], kept[:1], kept):
        checked.clear()
        assert await passwords.which(some, "neither", 2) is None
        assert len(checked) == 2
