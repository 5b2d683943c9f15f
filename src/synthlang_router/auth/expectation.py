"""How long answers of a model usually are: running figures from the last few hundred."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

_KEPT: Final = 256
_MAX_MODELS: Final = 1_000
_EVERY: Final = 16
"""Answers between two computations of the figures."""


class _Model:
    __slots__ = ("mean", "p95", "recent", "seen")

    def __init__(self) -> None:
        self.recent: deque[int] = deque(maxlen=_KEPT)
        self.seen = 0
        self.mean = 0
        self.p95 = 0


class Expectation:
    """Completion tokens by model; models are bounded, the one unused for longest goes."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Model] = OrderedDict()

    def __len__(self) -> int:
        return len(self._models)

    def p95(self, model: str) -> int | None:
        """What 19 of 20 answers stay within; None before the first."""
        known = self._models.get(model)
        return None if known is None else known.p95

    def mean(self, model: str) -> int | None:
        """The average, rounded up; None before the first."""
        known = self._models.get(model)
        return None if known is None else known.mean

    def observe(self, model: str, tokens: int) -> None:
        """One more answer took so many."""
        known = self._models.get(model)
        if known is None:
            known = self._models[model] = _Model()
            if len(self._models) > _MAX_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(model)
        known.recent.append(tokens)
        if known.seen % _EVERY == 0 or known.seen < _EVERY:
            ordered = sorted(known.recent)
            known.p95 = ordered[(len(ordered) * 95 - 1) // 100]
            known.mean = -(-sum(ordered) // len(ordered))
        known.seen += 1
