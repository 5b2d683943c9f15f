"""`Population`: what is known of the requests of one scope, one tenant or the whole gateway. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from synthlang_router.cache.error_ledger import ErrorLedger
from synthlang_router.cache.risk import RiskModel

RECENT: Final = 400
"""Risks remembered, to know what a limit on them would let through."""
SETTLED: Final = 100
"""Of them, before they say something."""
FIRST_VERDICTS: Final = 30
"""Before them nothing is known of a stream, and nothing is served on evidence."""
_EVERY: Final = 8
"""Requests between two looks at the recent risks."""
_WEIGHT: Final = 1.5
"""Wrong hits, expected and found, that are taken as seen before the first: the caution of the beginning."""
_LEAST_TRUST, _MOST_TRUST = 0.5, 4.0


class Population:
    """`parent`: the next larger one, whose model is asked until there are verdicts of this one's own."""

    __slots__ = ("_due", "_expected", "_found", "_limit", "_model", "_parent", "_risks", "ledger", "verified")

    def __init__(self, parent: Population | None) -> None:
        self.ledger = ErrorLedger()
        """Of hits on evidence."""
        self.verified = ErrorLedger()
        """Of hits on the verifier's word."""
        self._parent = parent
        self._model: RiskModel | None = RiskModel() if parent is None else None
        self._risks: deque[float] = deque(maxlen=RECENT)
        self._due = 0
        self._limit = 0.0
        self._expected = _WEIGHT
        self._found = _WEIGHT

    @property
    def verdicts(self) -> int:
        """That the model has learned from, those of its ancestors included."""
        return self._asked().verdicts

    @property
    def trust(self) -> float:
        """How many times more was expected to be wrong than audits found: what risks are overstated by."""
        return min(_MOST_TRUST, max(_LEAST_TRUST, self._expected / self._found))

    @property
    def settled(self) -> bool:
        """Whether enough requests have come to set a limit by."""
        return len(self._risks) >= SETTLED

    def request(self) -> None:
        self.ledger.requests += 1
        self.verified.requests += 1

    def risk(self, features: Sequence[float]) -> float:
        return self._asked().risk(features)

    def note(self, risk: float) -> None:
        """A candidate of this risk was seen; 1.0: there was none."""
        self._risks.append(risk)

    def learn(self, features: Sequence[float], right: bool) -> None:
        """A verdict on a candidate with these features."""
        if self._model is None:
            self._model = RiskModel(self._asked())
        self._model.learn(features, right)

    def compare(self, risk: float, right: bool) -> None:
        """An audit's verdict on a hit that was thought to be wrong with this probability."""
        self._expected += risk
        self._found += not right

    def limit(self, wrong: float, hits: float) -> float:
        """The risk up to which, lately, `wrong` of the requests would have been wrong, and `hits` of them hits."""
        self._due -= 1
        if self._due < 0:
            self._due = _EVERY
            self._limit = self._look(wrong, hits)
        return self._limit

    def _look(self, wrong: float, hits: float) -> float:
        seen = len(self._risks)
        room, limit = wrong * seen, 0.0
        for risk in sorted(self._risks)[: int(hits * seen)]:
            room -= risk
            if room < 0:
                break
            limit = risk
        return limit

    def _asked(self) -> RiskModel:
        population: Population | None = self
        while population is not None:
            if population._model is not None:
                return population._model
            population = population._parent
        raise AssertionError("the largest population has a model")
