"""`ErrorBudget`: which near questions may be answered without the verifier's word, so that few answers are wrong. Pure.

Two things apart. *Choice*: a risk for each candidate (`RiskModel`), and how much risk is borne now. *Promise*: an
`ErrorLedger` for every scope, every tenant and the whole gateway. A hit on evidence is given only while a ledger
proves that the wrong ones so far are at most `rate` of all requests (or of the hits): the finest that can, and only
while no finer one speaks against it. Without evidence there is no such hit, and the verifier decides alone.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from synthlang_router.cache.error_ledger import ALPHA, RATES, Of
from synthlang_router.cache.population import FIRST_VERDICTS, Population
from synthlang_router.telemetry import count

Level = Literal["scope", "tenant", "gateway"]
LEVELS: Final[tuple[Level, ...]] = ("scope", "tenant", "gateway")

MAX_POPULATIONS: Final = 10_000
"""Scopes and tenants with a ledger of their own; of more, the one unused for longest is forgotten."""
FREE_AUDITS: Final = 200
"""Audits before their share of the requests binds: without a beginning there is no evidence."""
FIRST_REQUESTS: Final = 100
"""Before them nothing is audited: a first try costs nobody a second call."""
VERIFIED_AUDITS: Final = 0.01
"""The share of the verifier's own hits that is audited."""
CURIOSITY: Final = 0.02
"""The share of misses whose candidate is compared, though nobody asked, where that costs."""
_BEGINNING: Final = 0.5
"""The same until there are FIRST_VERDICTS."""
_DOUBTFUL: Final = 0.6
"""Risk from which on a comparison teaches little."""
_START: Final = 0.6
"""The part of what is borne that the bound may take up before an audit has found anything."""
_MARGIN: Final = 1.25
"""How much more is audited than the bound needs at least: less would make one wrong hit end it."""
_RISKIER: Final = 0.4
"""How much more is audited at the limit of risk."""
_SAVED_OVER: Final = 1_500
"""Requests over which unused audits are spent."""
_AIM: Final = (0.6, 1.1)
"""The part of `rate` that is aimed at: the least, where the bound is near what is borne, and the most."""
_SPEAKS_AGAINST: Final = 3
"""Known wrong hits from which on a population may be judged by its estimate."""


@dataclass(frozen=True, slots=True)
class Chance:
    """What may be done with a candidate. `risk`: the probability that it is wrong; `limit`: what is borne now.

    `level`: whose evidence allows hits, None where none does. `audit`: the probability with which the hit is audited.
    """

    serve: bool
    risk: float
    limit: float
    level: Level | None
    audit: float


class ErrorBudget:
    """`rate`: the share of wrong answers that is borne, `of` what; `audit_share`: of the requests, audited at most.

    `audit_floor`: the least share of hits on evidence that is audited for ever.
    """

    def __init__(
        self, rate: float, *, of: Of = "requests", audit_share: float = 0.1, audit_floor: float = 0.01
    ) -> None:
        self.rate = rate
        self.of: Of = of
        self.gateway = Population(None)
        self.audits = 0
        """Verdicts asked for."""
        self._share = audit_share
        self._floor = audit_floor
        self._known: OrderedDict[bytes | str, Population] = OrderedDict()

    @property
    def populations(self) -> int:
        """Scopes and tenants with a ledger."""
        return len(self._known)

    def population(self, name: bytes | str) -> Population | None:
        """A scope's (by digest) or a tenant's, if it is known."""
        return self._known.get(name)

    def request(self, scope: bytes, tenant: str) -> None:
        """A request has come that the cache might answer."""
        for population in self._line(scope, tenant):
            population.request()

    def weigh(self, scope: bytes, tenant: str, features: Sequence[float] | None) -> Chance:
        """Whether a candidate with these features may be served, and note it; None: there is no candidate."""
        chance = self.look(scope, tenant, features)
        for population in self._line(scope, tenant):
            population.note(chance.risk)
        return chance

    def look(self, scope: bytes, tenant: str, features: Sequence[float] | None) -> Chance:
        """The same without a trace."""
        line = self._line(scope, tenant)
        risk = 1.0 if features is None else line[0].risk(features)
        level = self._grants(line)
        limit = self._limit(line)
        audit = self._audit_probability()
        audit = min(1.0, audit * (1 + _RISKIER * min(1.0, risk / limit))) if limit > 0 else audit
        serve = (
            level is not None
            and risk <= limit
            and line[0].verdicts >= FIRST_VERDICTS
            and self._audits_left() >= 1
        )
        return Chance(serve, risk, limit, level, audit)

    def verified_audit(self) -> float:
        """The probability with which a hit on the verifier's word is audited."""
        begun = self.gateway.ledger.requests >= FIRST_REQUESTS
        return VERIFIED_AUDITS if begun and self._audits_left() >= 1 else 0.0

    def curiosity(self, scope: bytes, tenant: str, chance: Chance) -> float:
        """The probability with which the candidate of a miss is compared with the answer that came."""
        if chance.risk > _DOUBTFUL or self._audits_left() < 1:
            return 0.0
        return _BEGINNING if self._line(scope, tenant)[0].verdicts < FIRST_VERDICTS else CURIOSITY

    def hit(self, scope: bytes, tenant: str, probability: float, *, verified: bool) -> None:
        """A near question was answered; its audit's coin falls with this probability."""
        for population in self._line(scope, tenant):
            (population.verified if verified else population.ledger).hit(probability)

    def learn(self, scope: bytes, tenant: str, features: Sequence[float], right: bool) -> None:
        """A verdict on a candidate, served or not: what later choices go by."""
        for population in self._line(scope, tenant):
            population.learn(features, right)

    def judge(
        self, scope: bytes, tenant: str, chance: Chance, right: bool, *, verified: bool, audited: bool
    ) -> None:
        """A verdict on a hit: by an audit whose coin fell, or by a report, which counts for its tenant alone."""
        line = self._line(scope, tenant)
        for population in line if audited else line[:2]:
            ledger = population.verified if verified else population.ledger
            if not right:
                ledger.wrong(chance.audit, audited=audited)
            elif audited:
                ledger.right()
            if audited and not verified:
                population.compare(chance.risk, right)

    def _line(self, scope: bytes, tenant: str) -> tuple[Population, Population, Population]:
        of_tenant = self._of(tenant, self.gateway)
        return self._of(scope, of_tenant), of_tenant, self.gateway

    def _of(self, name: bytes | str, parent: Population) -> Population:
        found = self._known.get(name)
        if found is not None:
            self._known.move_to_end(name)
            return found
        found = self._known[name] = Population(parent)
        if len(self._known) > MAX_POPULATIONS:
            self._known.popitem(last=False)
            count("cache_populations_forgotten")
        return found

    def _audits_left(self) -> float:
        if self._share <= 0:
            return 0.0
        return max(FREE_AUDITS, self._share * self.gateway.ledger.requests) - self.audits

    def _audit_probability(self) -> float:
        """Falls in steps as requests come, each the least that keeps the bound within what is borne."""
        need = math.log(len(RATES) / ALPHA) / (_START * self.gateway.ledger.allowed(self.rate, self.of))
        rate = min([rate for rate in RATES if rate >= need], default=RATES[0])
        return min(1.0, max(_MARGIN * -math.expm1(-rate), self._floor))

    def _grants(self, line: Sequence[Population]) -> Level | None:
        for level, population in zip(LEVELS, line, strict=True):
            ledger = population.ledger
            if ledger.proves(self.rate, self.of):
                return level
            if ledger.known_wrong >= _SPEAKS_AGAINST and ledger.estimate > ledger.allowed(self.rate, self.of):
                return None
        return None

    def _limit(self, line: Sequence[Population]) -> float:
        """The risk borne now: what would let through a share near `rate`, and no more hits than can be audited."""
        population = next((one for one in line if one.settled), line[-1])
        ledger = population.ledger
        slack = 1 - ledger.upper() / ledger.allowed(self.rate, self.of)
        aim = min(_AIM[1], max(_AIM[0], 1.2 * slack)) * self.rate * population.trust
        audited = self._share + max(0.0, self._audits_left()) / _SAVED_OVER
        return population.limit(aim, audited / self._audit_probability())
