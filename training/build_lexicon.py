"""Builds the verifier's English lexicon from the SCOWL word lists (Debian package `scowl`).

    apt-get download scowl && dpkg-deb -x scowl_*.deb scowl
    python training/build_lexicon.py scowl/usr/share/dict/scowl src/synthlang_router/cache/data/lexicon.txt.zst

A line is a word and a flag, in byte order: `c` a common word written in lower case, `d` a common word of one
dialect or a variant spelling, `n` any other known word (rare, or a name). Size 60 and below is common, 70 and
below known; the lists above bring misspellings, and a word list under terms of its own.
"""

import re
import sys
from pathlib import Path

import zstandard

KNOWN, COMMON = 70, 60
LISTS = re.compile(r"([a-z_0-9]+)-(words|upper|proper-names|abbreviations)\.(\d+)")
WORD = re.compile(r"[A-Za-z]{2,40}")


def flags_of(folder: Path) -> dict[str, str]:
    """The strongest flag of each word in lower case: c before d before n."""
    flags: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        match = LISTS.fullmatch(path.name)
        if match is None or int(match[3]) > KNOWN:
            continue
        common = int(match[3]) <= COMMON and match[2] == "words"
        flag = ("c" if match[1] == "english" else "d") if common else "n"
        for word in path.read_text("latin-1").split():
            if WORD.fullmatch(word):
                key = word.lower()
                flags[key] = min(flag, flags.get(key, "n"))
    return flags


def main(source: str, target: str) -> None:
    flags = flags_of(Path(source))
    lines = sorted(f"{word} {flag}".encode() for word, flag in flags.items())
    blob = b"\n".join(lines) + b"\n"
    Path(target).write_bytes(zstandard.ZstdCompressor(level=19, threads=0).compress(blob))
    sys.stdout.write(f"{len(lines)} words, {len(blob)} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
