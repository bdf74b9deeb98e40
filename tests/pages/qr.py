"""A reader of QR codes from their picture, after ISO/IEC 18004, that knows nothing of what made them: clean codes of
the versions 1 to 6 whose error correction is Q, in bytes."""

from itertools import pairwise

Picture = list[str]
"""Rows of `#` (dark) and `.` (light), a character a pixel."""

QUIET = 4
"""Modules around a code that must be light."""
_DATA = {1: [13], 2: [22], 3: [17, 17], 4: [24, 24], 5: [15, 15, 16, 16], 6: [19, 19, 19, 19]}
_CORRECTION = {1: 13, 2: 22, 3: 18, 4: 26, 5: 18, 6: 24}
_Q = 0b11
_MASKS = [
    lambda y, x: (y + x) % 2,
    lambda y, x: y % 2,
    lambda y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
]


def read(picture: Picture) -> str:
    """The text of the code that fills a picture with its quiet zone. Raises ValueError."""
    for version in _DATA:
        modules = _modules(picture, 17 + 4 * version)
        if modules and (mask := _mask(modules)) is not None:
            return _text(_blocks(_codewords(modules, version, mask), version))
    raise ValueError("no code of these versions:\n" + "\n".join(picture))


def _modules(picture: Picture, size: int) -> list[list[bool]] | None:
    """Where each module's middle is dark; None where the quiet zone, a finder or the timing says that it isn't one."""
    rows = [at for at, row in enumerate(picture) if "#" in row]
    columns = [at for row in picture for at in (row.find("#"), row.rfind("#")) if at >= 0]
    top, left = rows[0], min(columns)
    wide = max(columns) + 1 - left
    quiet = min(top, left, len(picture) - 1 - rows[-1], len(picture[0]) - 1 - max(columns))
    if quiet + 1 < QUIET * wide / size:  # of a pixel half is lost
        return None
    middles = [int((module + 0.5) * wide / size) for module in range(size)]
    modules = [[picture[top + y][left + x] == "#" for x in middles] for y in middles]
    finders = [(0, 0), (0, size - 7), (size - 7, 0)]
    fits = all(
        modules[high + y][right + x] == (max(abs(y - 3), abs(x - 3)) != 2)
        for high, right in finders
        for y in range(7)
        for x in range(7)
    )
    timed = all(one != other for one, other in pairwise(modules[6][6 : size - 6]))
    return modules if fits and timed else None


def _mask(modules: list[list[bool]]) -> int | None:
    """The number of the mask, where the format is one and its correction Q."""
    ways = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    said = int("".join(str(int(modules[y][x])) for y, x in ways), 2) ^ 0b101010000010010
    rest = said
    for bit in range(14, 9, -1):
        if rest >> bit & 1:
            rest ^= 0b10100110111 << bit - 10
    return said >> 10 & 0b111 if rest == 0 and said >> 13 == _Q else None


def _codewords(modules: list[list[bool]], version: int, mask: int) -> list[int]:
    """What the modules hold, without the mask, in the order they are laid."""
    size = len(modules)
    middle = size - 7
    bits = ""
    upwards = True

    def is_pattern(y: int, x: int) -> bool:
        corner = (y < 9 and (x < 9 or x >= size - 8)) or (y >= size - 8 and x < 9)
        aligned = version > 1 and abs(y - middle) <= 2 and abs(x - middle) <= 2
        return corner or aligned or y == 6 or x == 6

    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        for y in range(size - 1, -1, -1) if upwards else range(size):
            for x in (right, right - 1):
                if not is_pattern(y, x):
                    bits += str(int(modules[y][x] != (_MASKS[mask](y, x) == 0)))
        upwards = not upwards
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]


def _blocks(words: list[int], version: int) -> list[int]:
    """The data in their order. Raises ValueError where the correction of a block does not hold."""
    sizes, check = _DATA[version], _CORRECTION[version]
    blocks: list[list[int]] = [[] for _ in sizes]
    rest = iter(words)
    for at in range(max(sizes)):
        for block, size in zip(blocks, sizes, strict=True):
            if at < size:
                block.append(next(rest))
    data = [word for block in blocks for word in block]
    for _ in range(check):
        for block in blocks:
            block.append(next(rest))
    if any(_value(block, power) for block in blocks for power in range(check)):
        raise ValueError("a block's correction does not hold")
    return data


def _value(block: list[int], power: int) -> int:
    """Of the polynomial that a block is, at 2 to a power, in the field of 256 elements."""
    value = 0
    for word in block:
        for _ in range(power):
            value = value << 1 ^ (0x11D if value & 0x80 else 0)
        value ^= word
    return value


def _text(data: list[int]) -> str:
    bits = "".join(f"{word:08b}" for word in data)
    if bits[:4] != "0100":
        raise ValueError(f"not in bytes: {bits[:4]}")
    length = int(bits[4:12], 2)
    return bytes(int(bits[at : at + 8], 2) for at in range(12, 12 + 8 * length, 8)).decode("ascii")
