"""How the messages of an interaction are kept: the shortest of three forms, each of which gives back every byte."""

from __future__ import annotations

from typing import Final

import zstandard

from synthlang_router.synthlang.frames import BrokenFrame
from synthlang_router.synthlang.messages import decode_messages

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of what a stored form may unpack to."""

_PLAIN: Final = b"\x00"
_ZSTD: Final = b"\x01"
_SYNTHLANG: Final = b"\x02"  # zstd of the form `decode_messages` reads
_LEVEL: Final = 3
_LEAST: Final = 64  # bytes; less does not get shorter


def pack(raw: bytes, stored: bytes = b"") -> bytes:
    """The raw `messages` to be kept. `stored` is their form in the notation (`Prompt.stored`), where there is one."""
    choices = [_PLAIN + raw]
    if len(raw) >= _LEAST:
        compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        choices.append(_ZSTD + compress(raw))
        if stored:
            choices.append(_SYNTHLANG + compress(stored))
    return min(choices, key=len)


def unpack(packed: bytes) -> bytes:
    """The raw `messages` that were packed.

    Raises BrokenFrame where this is not one of our forms.
    """
    kind, body = packed[:1], packed[1:]
    if kind == _PLAIN:
        return body
    if kind not in (_ZSTD, _SYNTHLANG):
        raise BrokenFrame
    try:
        if zstandard.frame_content_size(body) > MAX_BYTES:
            raise BrokenFrame
        plain = zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_BYTES)
    except zstandard.ZstdError as error:
        raise BrokenFrame from error
    return decode_messages(plain) if kind == _SYNTHLANG else plain
