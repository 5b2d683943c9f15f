"""`Sketch`: many durations in little room: counts of buckets that grow by a tenth, so a quantile is within 5 %.

Merging adds counts: exact, in any order, so a sketch that is rebuilt from the rows equals the one that grew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec

GROWTH: Final = 1.1
_LOG: Final = math.log(GROWTH)
_SMALLEST: Final = 0.1
_MIDDLE: Final = 2 / (1 + 1 / GROWTH)
_MOST: Final = 255
_LARGEST: Final = _SMALLEST * GROWTH ** (_MOST - 1)
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[int, int]).decode

Sketch = Mapping[int, int]


def bucket(milliseconds: float) -> int:
    """From 0 (up to 0.1 ms) to 255 (over 30 days)."""
    if milliseconds <= _SMALLEST:
        return 0
    if milliseconds > _LARGEST:
        return _MOST
    return math.ceil(math.log(milliseconds / _SMALLEST) / _LOG)


def merge(into: dict[int, int], other: Sketch) -> None:
    for number, count in other.items():
        into[number] = into.get(number, 0) + count


def quantile(sketch: Sketch, share: float) -> float | None:
    """Milliseconds that `share` of the durations stay within; None without any."""
    total = sum(sketch.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for number in sorted(sketch):
        seen += sketch[number]
        if seen >= wanted:
            break
    return _SMALLEST if number == 0 else _SMALLEST * GROWTH ** (number - 1) * _MIDDLE


def pack(sketch: Sketch) -> bytes:
    """Equal sketches have equal bytes."""
    return _encode({number: sketch[number] for number in sorted(sketch)})


def unpack(data: bytes) -> dict[int, int]:
    return _decode(data)
