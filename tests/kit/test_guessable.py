"""Common passwords, and what a guesser makes of them, are refused; what is estimated is bounded."""

import random
import string

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from gbike.kit.auth.guessable import ESTIMATED, MOST_STAND_INS, STAND_INS, beginning, is_guessable


def test_ten_thousand_common_passwords_and_more_are_refused() -> None:
    common = FREQUENCY_LISTS["passwords"]
    assert len(common) >= 10_000
    assert [word for word in common if not is_guessable(word)] == []


@pytest.mark.parametrize(
    "password",
    [
        "Password2024!",
        "p4ssw0rd1234",
        "qwertyuiop12",
        "1234567890",
        "8361940275",
        "1q2w3e4r5t6y",
        "iloveyouiloveyou",
        "drowssap1234",
        "kimminji2024",
        "kim@example.com1",
    ],
)
def test_variations_of_common_ones_and_of_what_is_known_of_a_person_are_refused(password: str) -> None:
    assert is_guessable(password, ("Kim Minji", "kimminji", "kim@example.com"))


@pytest.mark.parametrize(
    "password",
    [
        "a bicycle at dawn",
        "another bicycle",
        "a new bicycle",
        "two wheels and a bell",
        "a long enough pass phrase 42",
        "정자역 자전거 대여소",
        "정자역 3번 출구의 자전거",
        "7#Kq9$Lm2@x4",
        "ffbb9ac3d2e1aa76cd1bb5c2ac34ff11",
    ],
)
def test_what_documents_and_tests_use_and_managers_make_is_good(password: str) -> None:
    assert not is_guessable(password, ("Kim", "kim@example.com"))


def test_no_more_is_estimated_than_takes_a_few_milliseconds() -> None:
    """Unbounded, 72 digits and marks take seconds: each may stand for a letter."""
    chance = random.Random(7)
    for _ in range(200):
        text = "".join(chance.choice(string.printable) for _ in range(128))
        seen = beginning(text)
        assert len(seen) <= ESTIMATED
        assert len(set(seen) & STAND_INS) <= MOST_STAND_INS
        assert text.startswith(seen)
    assert beginning("a bicycle at dawn") == "a bicycle at dawn"
