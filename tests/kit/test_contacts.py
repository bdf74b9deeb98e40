"""A phone number or an address is one contact however it is written, and two that only look alike are two."""

import subprocess
import sys

import pytest

from gbike.kit.contacts import BadContact, Contact, known_as, reachable

KIM = "+821012345678"


@pytest.mark.parametrize(
    "typed",
    [
        "010-1234-5678",
        "01012345678",
        "+82 10 1234 5678",
        "+82-10-1234-5678",
        "+82 (0)10-1234-5678",
        " 010 1234 5678 ",
        "010.1234.5678",
        "\uff10\uff11\uff10\uff0d\uff11\uff12\uff13\uff14\uff0d\uff15\uff16\uff17\uff18",  # full width
        "\u202a010-1234-5678\u202c",  # as a telephone copies it
    ],
)
def test_a_phone_number_is_one_contact_however_it_is_written(typed: str) -> None:
    assert reachable(typed).normal == KIM


def test_a_number_is_of_the_region_that_is_set_unless_it_says_another() -> None:
    assert reachable("090-1234-5678", "JP").normal == "+819012345678"
    assert reachable("+82 10-1234-5678", "JP").normal == KIM


@pytest.mark.parametrize(
    "typed", ["Kim@Example.com", " kim@example.com ", "\uff2b\uff49\uff4d@example.com", "KIM@EXAMPLE.COM"]
)
def test_an_address_is_one_contact_in_any_case_and_width(typed: str) -> None:
    assert reachable(typed) == Contact("kim@example.com", "kim@example.com")


@pytest.mark.parametrize(
    "typed", ["김민지@example.com", "kim김@example.com", "ким@пример.рф", "kim+bike@example.co.kr"]
)
def test_addresses_of_every_script_are_taken(typed: str) -> None:
    assert reachable(typed).normal == typed


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("kim@ex\u0430mple.com", "look alike"),  # a Cyrillic a
        ("k\u0456m@example.com", "look alike"),  # a Cyrillic i
        ("\u03bfscar@example.com", "look alike"),  # a Greek o
        ("kim\u200b@example.com", "nobody sees"),  # zero width
        ("kim\u202e@example.com", "nobody sees"),  # right to left
        ("kim\u00ad@example.com", "nobody sees"),  # soft hyphen
        ("kim\ufeff@example.com", "nobody sees"),
        ("kim\u3164@example.com", "nobody sees"),  # a filler of Hangul, which is a letter
        ("kim@exam\uffa0ple.com", "nobody sees"),
        ("kim\u034f@example.com", "nobody sees"),  # a joiner, which is a mark
        ("kim\ufe0f@example.com", "nobody sees"),  # a variation selector
        ("kim @example.com", "nobody sees"),
        ("   ", "phone number"),
        ("\u200b\u200b\u200b", "phone number"),
        ("kim", "phone number"),
        ("@example.com", "no e-mail"),
        ("kim@", "no e-mail"),
        ("kim@example", "no e-mail"),
        ("kim@example..com", "no e-mail"),
        ("kim@-example.com", "nobody sees"),
        ("a@b@example.com", "nobody sees"),
        ("12345678", "no such phone"),
        ("010-1234-5678 ext 5", "phone number"),
        ("010-ABCD-EFGH", "phone number"),
        ("+999 1", "no such phone"),
    ],
)
def test_what_is_neither_or_only_looks_like_one_is_refused(typed: str, why: str) -> None:
    with pytest.raises(BadContact, match=why):
        reachable(typed)


def test_what_has_no_normal_form_is_compared_as_it_is_typed() -> None:
    assert known_as(" The Boss ") == Contact("the boss", "the boss")
    assert known_as("kim@ex\u0430mple.com").normal != "kim@example.com"


def test_a_start_of_gbike_imports_neither_numbers_nor_lists() -> None:
    code = "import sys, gbike.services.account.wiring; print({'phonenumbers', 'zxcvbn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
