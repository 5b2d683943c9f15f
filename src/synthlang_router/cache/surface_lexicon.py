"""The English words the surface reading knows: binary search in one sorted blob, a few megabytes of memory.

The list answers two questions only: is this a word (then it cannot be a typing error of another one), and is
it a common one (then a typing error may have meant it).
"""

from functools import cache
from importlib.resources import files

import zstandard


class Lexicon:
    def __init__(self, blob: bytes) -> None:
        """`blob` holds lines `word flag` in byte order, each ended by a line feed."""
        self._blob = blob

    def flag(self, word: str) -> str:
        """`c` common, `d` common in one dialect or a variant spelling, `n` rare or a name, `` unknown."""
        if not word.isascii():
            return ""
        wanted, blob = word.encode() + b" ", self._blob
        low, high = 0, len(blob)
        while low < high:
            start = blob.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = blob.index(b"\n", start)
            if blob.startswith(wanted, start):
                return chr(blob[end - 1])
            if blob[start:end] < wanted:
                low = end + 1
            else:
                high = start
        return ""


@cache
def english() -> Lexicon:
    """Unpacked on first use: about 10 ms."""
    packed = files(__package__).joinpath("data/lexicon.txt.zst").read_bytes()
    return Lexicon(zstandard.ZstdDecompressor().decompress(packed))
