"""A small real PMTiles archive (version 3, vector tiles), made by hand: one tile that stands everywhere."""

import struct
from itertools import pairwise
from pathlib import Path

LAST_ZOOM = 14
EVERYWHERE = (4 ** (LAST_ZOOM + 1) - 1) // 3
"""As many tiles as there are from zoom 0 to the last."""
EXTENT = 4096
NONE, VECTOR = 1, 1
"""How nothing is compressed, and what the tiles are."""
HEADER = 127
LINE, POLYGON = 2, 3
GREEN = [(0, 0), (EXTENT, 0), (EXTENT, EXTENT), (0, EXTENT)]
LAKE = [(1000, 1000), (3000, 1000), (3000, 3000), (1000, 3000)]
ROAD = [(0, 2000), (EXTENT, 2000)]


def write_archive(path: Path) -> Path:
    """The whole world as green land with a lake and a road in each tile."""
    tile = b"".join(
        (
            _layer("earth", POLYGON, GREEN, {"kind": "earth"}),
            _layer("water", POLYGON, LAKE, {"kind": "lake"}),
            _layer("roads", LINE, ROAD, {"kind": "major_road", "kind_detail": "primary"}),
        )
    )
    directory = b"".join(map(_varint, (1, 0, EVERYWHERE, len(tile), 1)))
    metadata = b"{}"
    tiles_at = HEADER + len(directory) + len(metadata)
    parts = (HEADER, len(directory), HEADER + len(directory), len(metadata), 0, 0, tiles_at, len(tile))
    counts = (EVERYWHERE, 1, 1)
    kinds = (1, NONE, NONE, VECTOR, 0, LAST_ZOOM)
    world = (-1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000)
    centre = (10, 0, 0)
    header = b"PMTiles\x03" + struct.pack("<11Q6B4iB2i", *(*parts, *counts, *kinds, *world, *centre))
    assert len(header) == HEADER
    path.write_bytes(header + directory + metadata + tile)
    return path


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _part(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _layer(name: str, kind: int, points: list[tuple[int, int]], tags: dict[str, str]) -> bytes:
    """A layer of one feature, as the Mapbox Vector Tile specification writes it."""
    steps = [(points[0][0], points[0][1])]
    steps += [(x - was_x, y - was_y) for (was_x, was_y), (x, y) in pairwise(points)]
    first, *rest = [_zigzag(x) + _zigzag(y) for x, y in steps]
    geometry = _varint(1 << 3 | 1) + first + _varint(len(rest) << 3 | 2) + b"".join(rest)
    geometry += _varint(1 << 3 | 7) if kind == POLYGON else b""
    indexes = b"".join(_varint(at) * 2 for at in range(len(tags)))  # a key and a value each
    feature = _part(2, indexes) + _varint(3 << 3) + _varint(kind) + _part(4, geometry)
    words = b"".join(_part(3, key.encode()) for key in tags)
    words += b"".join(_part(4, _part(1, value.encode())) for value in tags.values())
    version, extent = _varint(15 << 3) + _varint(2), _varint(5 << 3) + _varint(EXTENT)
    return _part(3, version + _part(1, name.encode()) + _part(2, feature) + words + extent)


def _zigzag(number: int) -> bytes:
    return _varint((number << 1) ^ (number >> 31))
