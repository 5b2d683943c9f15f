"""What native compression saved, measured by the conversations that went uncompressed beside it (the holdout)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from synthlang_router.interactions.record import Interaction

_ARMS: Final = ("native", "holdout")


class Arm(msgspec.Struct, frozen=True, gc=False):
    """One arm's requests that reached a provider. Money in USD.

    `prompt_tokens` and `cost` are per 1,000 tokens of original prompt, `completion_tokens` is per request.
    """

    requests: int
    prompt_tokens: float
    cost: float
    cached_share: float
    completion_tokens: float
    error_rate: float
    retry_rate: float


class Measured(msgspec.Struct, frozen=True, gc=False):
    """Both arms, and the shares saved; None while one of them is empty."""

    native: Arm
    holdout: Arm
    tokens_saved: float | None
    cost_saved: float | None


def measured_saving(rows: Iterable[Interaction]) -> Measured:
    """What compression saved per original token. Rows of other modes, and answers out of the cache, are passed over."""
    arms: dict[str, _Sums] = {name: _Sums() for name in _ARMS}
    for row in rows:
        if row.compression in arms and row.usage_source != "cache":
            arms[row.compression].add(row)
    native, holdout = (arms[name].arm() for name in _ARMS)
    return Measured(
        native,
        holdout,
        _saved(native.prompt_tokens, holdout.prompt_tokens),
        _saved(native.cost, holdout.cost),
    )


class _Sums:
    """What is added up of the rows of one arm."""

    def __init__(self) -> None:
        self._requests = self._failed = self._retried = 0
        self._original = self._prompt = self._cached = self._completion = 0
        self._cost = 0.0

    def add(self, row: Interaction) -> None:
        self._requests += 1
        self._failed += row.outcome == "failed"
        self._retried += len(row.attempts) > 1
        if row.tokens.prompt is not None:
            self._prompt += row.tokens.prompt
            self._original += row.tokens.prompt + (0 if row.tokens_saved is None else row.tokens_saved)
        self._completion += 0 if row.tokens.completion is None else row.tokens.completion
        self._cached += row.tokens.cached
        self._cost += 0.0 if row.cost is None else row.cost

    def arm(self) -> Arm:
        thousands = self._original / 1000
        return Arm(
            requests=self._requests,
            prompt_tokens=_ratio(self._prompt, thousands),
            cost=_ratio(self._cost, thousands),
            cached_share=_ratio(self._cached, self._prompt),
            completion_tokens=_ratio(self._completion, self._requests),
            error_rate=_ratio(self._failed, self._requests),
            retry_rate=_ratio(self._retried, self._requests),
        )


def _saved(less: float, more: float) -> float | None:
    return 1 - less / more if less and more else None


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
