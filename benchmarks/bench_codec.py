"""CPU of encoding and decoding, per 1,000 tokens and kind of data, as a multiple of counting the same text's tokens."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

from synthlang_router.synthlang.codec import LosslessLevel, encode
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.tokens import count_tokens

ROUNDS = 7


def samples() -> dict[str, str]:
    rng = random.Random(5)
    users = [{"id": rng.randrange(10**6), "login": f"user{n}", "url": f"https://api.example.org/users/user{n}", "roles": ["dev", "ops"][: n % 3], "address": {"city": rng.choice("Oslo Rome Lima".split()), "zip": rng.randrange(99999)}} for n in range(60)]  # fmt: skip
    log = "\n".join(f"2031-01-02 10:{n // 60:02}:{n % 60:02} {rng.choice(('INFO', 'WARN'))} worker-{n % 5} stored order {rng.randrange(10**6)} in {rng.randrange(900)} ms" for n in range(150))  # fmt: skip
    spoken = [
        " ".join(
            rng.choices("well I think we should look at the numbers again before the meeting".split(), k=12)
        )
        for _ in range(99)
    ]
    return {
        "json": json.dumps(users, indent=2),
        "json compact": json.dumps(users, separators=(",", ":")),
        "log": log,
        "transcript": "\n".join(f"{rng.choice(('Ann', 'Bob', 'Eve'))}: {line} {{laughs}}" for line in spoken),
        "prose": " ".join(spoken),
    }


def cost(work: Callable[[], object]) -> float:
    """Milliseconds, the best of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work()
        spent.append(time.thread_time() - started)
    return min(spent) * 1000


def line(name: str, text: str, level: LosslessLevel) -> str:
    coded = encode(text, "user", level)
    tokens = count_tokens(text, "o200k_base")
    after = tokens if coded is None else count_tokens(coded.sent, "o200k_base")
    encoding = cost(lambda: encode(text, "user", level))
    counting = cost(lambda: count_tokens(text, "o200k_base"))
    decoding = 0.0 if coded is None else cost(lambda: read_text(coded.stored))
    figures = (
        encoding / tokens * 1000,
        decoding / tokens * 1000,
        encoding / counting,
        100 * (1 - after / tokens),
    )
    return f"{name:13} {level:9} {tokens:7}" + "".join(f"{figure:12.2f}" for figure in figures)


def main() -> None:
    print("data          level      tokens   ms/1k in   ms/1k out    x counting     % saved")
    for name, text in samples().items():
        levels: tuple[LosslessLevel, ...] = ("exact", "readable", "session")
        for level in levels:
            print(line(name, text, level))


if __name__ == "__main__":
    main()
