"""Passwords that are guessed early: 30,000 common ones, and what a guesser makes of words, dates and rows of keys.

The lists and the estimate are zxcvbn's. Its time grows with the length, and exponentially with the digits and marks
that may stand for letters, so it sees only a beginning with few of them: the whole is no easier to guess than that.
"""

from collections.abc import Sequence

ESTIMATED = 32
"""Characters that are estimated."""
STAND_INS = frozenset("0123456789!$%(+<@[{|")
MOST_STAND_INS = 5
"""Different ones of them that are estimated: with 32 characters that is below 20 ms."""
TOO_FEW_GUESSES = 10**8
"""As many as somebody gets through who is not held up (zxcvbn's score 3 begins there)."""


def is_guessable(password: str, beside: Sequence[str] = ()) -> bool:
    """Whether it is a common password, or takes few guesses for whoever knows the words `beside`."""
    from zxcvbn import zxcvbn  # 25 ms that no start needs
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    plain = password.casefold()
    if plain in _common(FREQUENCY_LISTS):
        return True
    words = [word[:ESTIMATED] for word in beside if word]
    return bool(zxcvbn(beginning(plain), user_inputs=words)["guesses"] < TOO_FEW_GUESSES)


def beginning(password: str) -> str:
    seen: set[str] = set()
    for at, char in enumerate(password[:ESTIMATED]):
        if char in STAND_INS:
            seen.add(char)
        if len(seen) > MOST_STAND_INS:
            return password[:at]
    return password[:ESTIMATED]


def _common(lists: dict[str, list[str]]) -> frozenset[str]:
    if not _COMMON:
        _COMMON.append(frozenset(lists["passwords"]))
    return _COMMON[0]


_COMMON: list[frozenset[str]] = []
