"""`Lane`: one target as all requests see it: its health, its load, its speed and what may be asked of it again."""

from __future__ import annotations

import math
from collections import deque
from typing import Final, Literal

import msgspec

from synthlang_router.llm_provider.circuit import CLOSED, Circuit, failed, succeeded
from synthlang_router.llm_provider.retries import Budget

Rank = Literal[0, 1, 2, 3, 4]
State = Literal["good", "busy", "open", "key_refused", "dead"]

STATES: Final[tuple[State, ...]] = ("good", "busy", "open", "key_refused", "dead")
"""From the one to ask first to the one not to ask."""

WEIGHT: Final = 0.2
"""Of a new measurement in the running mean."""
FORGET: Final = 60.0
"""Seconds without news after which a lane counts as e times as fast: a slow one gets another chance."""
LONGEST_BUSY: Final = 600.0
UNTOLD_BUSY: Final = 1.0
"""Seconds a 429 that says nothing of its reset keeps others away."""
SAMPLES: Final = 64
ENOUGH_SAMPLES: Final = 20


class TargetHealth(msgspec.Struct, frozen=True):
    """What `/metrics` and the admin page show of a lane. Times in seconds."""

    provider: str
    model: str
    state: State
    in_flight: int
    first_token: float | None
    first_token_p95: float | None
    retry_tokens: float
    busy_for: float


class Lane:
    """Lives as long as the process; a reload does not touch it."""

    __slots__ = (
        "_mean",
        "_measured",
        "_samples",
        "budget",
        "busy_until",
        "circuit",
        "id",
        "in_flight",
        "model",
        "provider",
    )

    def __init__(self, provider: str, model: str, id_: int) -> None:
        self.provider = provider
        self.model = model
        self.id = id_
        self.circuit: Circuit = CLOSED
        self.budget = Budget()
        self.in_flight = 0
        self.busy_until = -math.inf
        self._mean: float | None = None
        self._measured = 0.0
        self._samples: deque[float] = deque(maxlen=SAMPLES)

    def answered(self, first_token: float, now: float) -> None:
        """First data came after so many seconds."""
        self.lives(now)
        self._measure(first_token, now)
        self._samples.append(first_token)

    def waited(self, seconds: float, now: float) -> None:
        """Somebody left who had waited so long in vain: it takes at least that."""
        if self._mean is None or seconds > self._mean:
            self._measure(seconds, now)

    def _measure(self, seconds: float, now: float) -> None:
        mean = self._mean
        self._mean = seconds if mean is None else mean + WEIGHT * (seconds - mean)
        self._measured = now

    def lives(self, now: float) -> None:
        """It answered, if only to refuse."""
        if self.circuit is not CLOSED:
            self.circuit = succeeded(self.circuit, now)

    def broke(self, now: float, *, reached: bool) -> None:
        self.circuit = failed(self.circuit, now, reached=reached)

    def stay_away(self, now: float, seconds: float | None) -> None:
        """A 429: until its reset, as far as that was told."""
        seconds = UNTOLD_BUSY if seconds is None else min(seconds, LONGEST_BUSY)
        self.busy_until = max(self.busy_until, now + seconds)

    def first_token(self, now: float) -> float | None:
        """The running mean, None before the first answer."""
        if self._mean is None:
            return None
        return self._mean * math.exp(-max(0.0, now - self._measured) / FORGET)

    def p95(self) -> float | None:
        """Of the last answers, None before there are enough of them."""
        if len(self._samples) < ENOUGH_SAMPLES:
            return None
        return sorted(self._samples)[math.ceil(0.95 * len(self._samples)) - 1]

    def rank(self, now: float, *, key_refused: bool) -> int:
        """The index of its state in `STATES`."""
        circuit = self.circuit
        if circuit is not CLOSED and circuit.verdict(now) == "open":
            return 4 if circuit.dead else 2
        if key_refused:
            return 3
        return 1 if now < self.busy_until else 0

    def health(self, now: float, *, key_refused: bool) -> TargetHealth:
        return TargetHealth(
            provider=self.provider,
            model=self.model,
            state=STATES[self.rank(now, key_refused=key_refused)],
            in_flight=self.in_flight,
            first_token=self._mean,
            first_token_p95=self.p95(),
            retry_tokens=self.budget.tokens,
            busy_for=max(0.0, self.busy_until - now),
        )
