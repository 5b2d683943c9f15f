"""CPU of counting tokens: per 1,000 tokens, fresh and seen before, in each encoding, as a multiple of UTF-8 encoding."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from synthlang_router.synthlang.tokens import ENCODINGS, Encoding, count_tokens

WORDS = (
    "request user timeout of the and error value table index 2031 for with connection closed by peer".split()
)


def text_of(seed: int, words: int = 4000) -> str:
    rng = random.Random(seed)
    made = ("".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(words // 8))
    return " ".join(rng.choice((*WORDS, next(made, "end"))) for _ in range(words))


def cost(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds a round, the best of them."""
    spent = []
    for _ in range(rounds):
        started = time.thread_time()
        work()
        spent.append(time.thread_time() - started)
    return min(spent) * 1000


def measure(encoding: Encoding) -> tuple[float, float, float]:
    count_tokens("warm the tables", encoding)
    fresh = min(cost(lambda seed=seed: count_tokens(text_of(seed), encoding), 1) for seed in range(9))  # type: ignore[misc]
    making = cost(lambda: text_of(1), 9)
    text = text_of(99)
    thousands = count_tokens(text, encoding) / 1000
    seen = cost(lambda: count_tokens(text, encoding), 20)
    return (fresh - making) / thousands, seen / thousands, seen / cost(lambda: text.encode(), 200)


def main() -> None:
    print(f"{'encoding':12}  ms/1k fresh  ms/1k seen  x UTF-8")
    for encoding in ENCODINGS:
        fresh, seen, ratio = measure(encoding)
        print(f"{encoding:12}  {fresh:11.3f}  {seen:10.3f}  {ratio:7.0f}")


if __name__ == "__main__":
    main()
