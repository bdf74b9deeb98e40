"""Contacts as they are compared: a phone number as E.164, an e-mail address in lower case, each written in one way.

Two texts are the same contact when their normal forms are equal. What is neither a phone number nor an address is
compared as it is typed: operators sign in by a name, and accounts of before keep the contact that they began with.
"""

import re
import unicodedata
from dataclasses import dataclass

from gbike.kit.text import clean

MOST = 254
"""Characters of an address (RFC 5321)."""
MOST_LOCAL = 64
LEAST = 4
"""Characters of a contact by which somebody is looked for."""
REGION = "KR"
"""Where a phone number without a country code is of, unless told (GBIKE_PHONE_REGION)."""
_PHONE = re.compile(r"\+?[\d\s()./-]+")
_LOCAL = frozenset("!#$%&'*+/=?^_`{|}~-.")
_TOGETHER = ({"LATIN", "HANGUL", "CJK"}, {"LATIN", "HIRAGANA", "KATAKANA", "CJK"})
"""Scripts that people write beside one another, and that are not taken for one another (UTS 39, highly restrictive)."""


@dataclass(eq=False)
class BadContact(Exception):
    """It is neither a phone number nor an e-mail address."""

    why: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as somebody typed it, but for case and width, and in its normal form."""

    typed: str
    normal: str


def plain(text: str) -> str:
    """A contact as it was compared before: `Kim@Example.com ` is `kim@example.com`."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def known_as(text: str, region: str = REGION) -> Contact:
    """The contact that somebody signs in with; what has no normal form is compared as it is typed."""
    try:
        return reachable(text, region)
    except BadContact:
        return Contact(plain(text), plain(text))


def reachable(text: str, region: str = REGION) -> Contact:
    """A contact that somebody can be reached at. Raises BadContact."""
    typed = plain(text)
    return Contact(typed, _address(typed) if "@" in typed else _number(typed, region))


def beginnings(text: str, region: str = REGION) -> list[str]:
    """With what a contact begins, in its normal form, that somebody knows the beginning of; none where less than LEAST
    characters are known. `010-12` is of +82 10 12…"""
    typed = plain(text)
    digits = "".join(char for char in typed if char.isdecimal())
    if len(typed) < LEAST:
        return []
    found = [typed]
    if _PHONE.fullmatch(typed) and len(digits) >= LEAST:
        import phonenumbers  # 25 ms that no start needs

        home = f"+{phonenumbers.country_code_for_region(region)}{digits.removeprefix('0')}"
        found = [f"+{digits}" if typed.startswith("+") else home]
    return found


def _number(typed: str, region: str) -> str:
    """As E.164. Marks of direction are dropped: telephones put them around a number that is copied."""
    import phonenumbers  # 25 ms that no start needs

    text = "".join(char for char in typed if unicodedata.category(char) != "Cf").strip()
    if not _PHONE.fullmatch(text):
        raise BadContact("it must be a phone number or an e-mail address")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise BadContact("there is no such phone number") from None
    if not phonenumbers.is_valid_number(number):
        raise BadContact("there is no such phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _address(typed: str) -> str:
    local, _, domain = typed.rpartition("@")
    labels = domain.split(".")
    if len(typed) > MOST or not 0 < len(local) <= MOST_LOCAL or len(labels) < 2 or not all(labels):
        raise BadContact("it is no e-mail address")
    # Some that nobody sees are letters to Unicode, or marks: fillers, variation selectors.
    sound = clean(typed) == typed and all(_is_of_a_word(char) or char in _LOCAL for char in local)
    if not sound or not all(map(_is_a_label, labels)):
        raise BadContact("it has a character that no e-mail address has, or that nobody sees")
    for part in (*re.split(r"[.+_-]", local), *labels):
        if _mixes(part):
            raise BadContact("it mixes scripts that look alike")
    return typed


def _is_of_a_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


def _is_a_label(label: str) -> bool:
    return label[0] != "-" != label[-1] and all(_is_of_a_word(char) or char == "-" for char in label)


def _mixes(part: str) -> bool:
    scripts = {unicodedata.name(char, "?").partition(" ")[0] for char in part if unicodedata.category(char)[0] == "L"}
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)
