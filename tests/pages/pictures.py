"""Pictures of a QR code as a camera takes them: askew, grey and grainy."""

import math
import random
import struct
import zlib
from pathlib import Path

CODED = "https://bikes.example/app/#/bike/06901/?src=sticker"
CODE = [
    "#######...##..#....##.#.#####.#######",
    "#.....#....####.##.##.#..##.#.#.....#",
    "#.###.#.##...##...#.##.#......#.###.#",
    "#.###.#..##..###.#.....###..#.#.###.#",
    "#.###.#.##...#.###.#..##.#.#..#.###.#",
    "#.....#.#.#..#.......#...##.#.#.....#",
    "#######.#.#.#.#.#.#.#.#.#.#.#.#######",
    "..........##.####.##.#....#..........",
    ".#..#.#.##..#.#.###.##..####.#.##.#..",
    "#...#...#.#.#...#..##..##...#...##...",
    "##.#######.###.##.#...#####.##.####..",
    "#..#.#.##...#....#.####.#.#..#..#.#..",
    ".#.##.##...##.##..#.#####..####...#..",
    ".#.#....#..##..#.#...#.#.###.#.##.##.",
    "..###.#.#...###.####...##..#.#.####..",
    "###.##......####.##...#...####.##.#..",
    ".#....#.#.##.....###..###..#.##..####",
    ".#..##.......########....#.#....#.#..",
    ".#..#.#.....#.###..##.#....#.#.#.##..",
    "#.#..#..#...######..##..#.##.#.##.#.#",
    "####.###...##..#.##..#.#..#...#...#.#",
    ".#.###...#....#...####.#..##.#..#.##.",
    ".#...##...#.######..#..######........",
    "###.##.#..#.#...##.#.#..##..#..#..#.#",
    ".#.#.##..####.#..#...#####.#.###..#.#",
    "#####....#..#########..####..#..#.#..",
    "..#.####...##..##..#..##.#.###.##.#..",
    "..####.......##...####.#....#.#...###",
    "#####.##...#...#....##..#...#####.#.#",
    "........#.....#####...##.####...##...",
    "#######....#..#.#..#.####...#.#.###..",
    "#.....#...#.#..###...#.#...##...#.###",
    "#.###.#.#.#..#...####..#....########.",
    "#.###.#....#.###..##.##.#...#.##...#.",
    "#.###.#..##..#.#..##.#.####.#.#...##.",
    "#.....#.#.##....#.####.#..##..##..##.",
    "#######..########.#..##...##..#.#.###",
]
"""CODED, as others' tools make it too: each row of its modules."""
QUIET = 4
DARK, LIGHT = 40, 215
WALL = 120


def photo(wide: int, high: int, *, code: bool = True) -> bytes:
    """A grey picture, a byte a pixel, with the code askew in its middle, or only a wall."""
    grain, size = random.Random(7), len(CODE)
    turn, scale = math.radians(11), high / (size + 2 * QUIET) * 0.75
    along, across = math.cos(turn) / scale, math.sin(turn) / scale
    grey = bytearray()
    for y in range(high):
        for x in range(wide):
            right, down = x - wide / 2, y - high / 2
            column, row = along * right + across * down + size / 2, along * down - across * right + size / 2
            paper = code and min(column, row) >= -QUIET and max(column, row) < size + QUIET
            inked = paper and min(column, row) >= 0 and max(column, row) < size and CODE[int(row)][int(column)] == "#"
            grey.append((DARK if inked else LIGHT if paper else WALL) + grain.randrange(-25, 26))
    return bytes(grey)


def png(wide: int, high: int, *, code: bool = True) -> bytes:
    """The photo as a file."""
    grey = photo(wide, high, code=code)
    rows = b"".join(b"\0" + grey[at : at + wide] for at in range(0, wide * high, wide))
    head = struct.pack(">II", wide, high) + bytes([8, 0, 0, 0, 0])
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = [struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def film(file: Path, wide: int, high: int, *, code: bool = True) -> None:
    """A clip of two pictures, which Chromium's camera shows over and over."""
    picture = b"FRAME\n" + photo(wide, high, code=code) + bytes([128]) * (wide * high // 2)
    file.write_bytes(f"YUV4MPEG2 W{wide} H{high} F10:1 Ip A1:1 C420jpeg\n".encode() + picture * 2)
