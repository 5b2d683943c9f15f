"""`Savings`: what answers given again saved since the start, and how many there were of each kind."""

from __future__ import annotations

from collections import Counter

from synthlang_router.models import Facts


class Savings:
    """USD as the price table has them; tokens as they were counted for the first answer."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.usd = 0.0
        self.tokens = 0

    def add(self, facts: Facts) -> None:
        """A request that was answered from the cache is over."""
        if facts.cache is not None:
            self.hits[facts.cache.value] += 1
        self.usd += sum([usd for _, usd in facts.saved])
        if facts.usage is not None:
            self.tokens += facts.usage.total_tokens
