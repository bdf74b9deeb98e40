"""Text that people wrote, as others may be shown it: without what can't be seen, and harmless in a spreadsheet.

A bidi mark lets "mine.gpj" read as "mine.jpg", an invisible letter makes two names look alike, and a cell that begins
with = is run by a spreadsheet.
"""

import re
from functools import lru_cache
from typing import Any
from unicodedata import normalize

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
UNSEEN = (
    # Controls but NUL (refused by the patterns), interlinear marks, the blank of braille …
    r"\x01-\x1f\x7f-\x9f\ufff9-\ufffb\u2800"
    # … and what Unicode calls default ignorable: bidi marks, zero width, fillers, variation selectors, tags.
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    # As they are: a pattern of JSON Schema has no escape for what is beyond \uffff.
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What can't be seen, as the inside of a class of a pattern, in Python's words and in JSON Schema's alike."""
_UNSEEN = re.compile(f"[{UNSEEN}]+")
UNCLEAN = re.compile(f"[{UNSEEN}\u2028\u2029]")
"""What `clean` changes."""
_FORMULA = re.compile("[\\s\x00]*[=+\\-@＝＋－＠\t\r]")
_NAMES = 4_096
"""Names remembered in their two forms: some hundred places come again and again."""
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_DIGITS = re.compile("[0-9]{1,99}")


def clean(text: str) -> str:
    """The text on one line, without bidi marks, controls and others that can't be seen; NUL stays, to be refused."""
    return _UNSEEN.sub("", _BREAKS.sub(" ", text))


def cell(value: Any) -> Any:
    """A value as an export has it: text is clean, and begins with ' where a spreadsheet would take it for a formula."""
    if not isinstance(value, str):
        return value
    text = clean(value).replace("\x00", "")
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def tidied(text: str | None) -> str | None:
    """A name as it is kept: composed (NFC), without white space around it; None where nothing is left."""
    return normalize("NFC", text).strip() or None if text is not None else None


@lru_cache(_NAMES)
def same_name(text: str) -> str:
    """What two spellings of one name have in common: composed, in one case, each white space one blank.

    So is each _, which operators write for one and people never see."""
    return normalize("NFC", " ".join(normalize("NFC", text).replace("_", " ").split()).casefold())


@lru_cache(_NAMES)
def natural(text: str | None) -> str | None:
    """The name as it is sorted, so that 100 comes after 10: equal where `same_name` is, and only there."""
    if text is None:
        return None
    return _DIGITS.sub(lambda digits: f"{len(digits[0]):02}{digits[0]}", same_name(text))
