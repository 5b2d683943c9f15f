"""Names, sentences and values that rows are made of. The prose is our own documentation's."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FIRST = "Ann Bob Chloe Dmitri Elena Farid Grace Hiro Ines Jonas Kofi Lena Marta Nils Olga Pedro Quinn Rosa Sven Tara Uma Viktor Wen Yara Zoe".split()  # fmt: skip
LAST = "Abbott Berger Castro Dahl Eriksen Fischer Garcia Haddad Ito Jansen Keller Lopez Moreau Novak Okafor Patel Rossi Sato Tanaka Usman Vogel Weber Young Zhang".split()  # fmt: skip
CITIES = "Oslo Rome Lima Kyoto Porto Quito Riga Split Turin Utrecht Vilnius Warsaw Zagreb Accra Bergen Cusco Dakar".split()  # fmt: skip
NOUNS = "order invoice session worker queue bucket tenant report ticket branch device sensor account payment cluster node volume image release pipeline".split()  # fmt: skip
VERBS = (
    "created updated deleted queued started finished failed retried skipped archived synced rejected".split()
)
HOSTS = "api.example.org git.example.net cdn.example.com data.example.io".split()


@cache
def sentences() -> tuple[str, ...]:
    """Sentences of the documentation without its notation."""
    text = "\n".join(path.read_text() for path in sorted(DOCS.rglob("*.md")))
    plain = re.sub(r"```.*?```|^[|#>][^\n]*$|^ {4}[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    found = re.split(r"(?<=[.!?:;])\s+", re.sub(r"[`*_\[\]【】]|\(http\S+\)", "", plain))
    return tuple(s.strip().replace("\n", " ") for s in found if 30 < len(s) < 260 and s[:1].isalpha())


def prose(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(sentences()) for _ in range(count))


def passage(rng: random.Random, count: int) -> str:
    """Sentences that follow one another."""
    at = rng.randrange(len(sentences()) - count)
    return " ".join(sentences()[at : at + count])


def name(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def login(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)}{rng.choice(LAST)[:3]}".lower() + rng.choice(("", "", str(rng.randrange(99))))


def sha(rng: random.Random, size: int = 40) -> str:
    return rng.randbytes(size // 2).hex()


def uuid(rng: random.Random) -> str:
    text = rng.randbytes(16).hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def ip(rng: random.Random) -> str:
    return f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def moment(seconds: int) -> tuple[str, str]:
    """Date and time of day."""
    day, rest = divmod(seconds, 86_400)
    return (
        f"2031-{1 + day // 28 % 12:02}-{1 + day % 28:02}",
        f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}",
    )


def stamp(rng: random.Random) -> str:
    return "T".join(moment(rng.randrange(300 * 86_400))) + "Z"
