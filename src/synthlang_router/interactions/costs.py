"""`Costs`: the truth about money, filled in when a request ends and before anybody settles by it.

Each call upstream carries its own line: the provider's count where it gave one, ours where it did not, an estimate
for a call that was cut. A refused call is free. A request that made no call cost nothing, and says what it saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from synthlang_router.errors import RouterError
from synthlang_router.interactions.entry import BYTES_PER_TOKEN, REUSED
from synthlang_router.interactions.prices import FEMTO, Model, PriceTable, Rates, Units
from synthlang_router.interactions.record import Interaction
from synthlang_router.interactions.written import told_tier, written_text
from synthlang_router.models import Attempt, ChatCompletion, ChatRequest, Facts, Outcome, Usage

LOST_COMPLETION: Final = 500
"""Completion tokens assumed of a call whose process died: a typical chat answer; nobody knows."""
COUNTED_BYTES: Final = 64_000
"""Longer texts are estimated, not counted: counting takes 3 ms at this size, on the event loop."""
_BILLED_ERRORS: Final = frozenset((0, 200, 502, 504, 499))
"""Statuses of a failed attempt in which the provider may have worked: cut, timed out, cancelled."""
_FREE: Final = Rates(Units())
_REMEMBERED: Final = 4096
"""Models whose rates are kept ready."""


class OwnPrice(msgspec.Struct, frozen=True):
    """What an operator says of a model: rates, and the most it writes."""

    rates: Rates
    max_output: int | None = None


class Counter(msgspec.Struct, frozen=True):
    """How tokens are counted where the provider did not: of a whole prompt, and of a text, for a model."""

    prompt: Callable[[ChatRequest, str], int]
    text: Callable[[str, str], int]


class Tariffs(msgspec.Struct, frozen=True):
    """What the configuration says of prices.

    `providers` maps a configured provider to the price provider whose rates it has (None: nobody knows them), `free`
    are those that cost nothing, `own` are rates by (configured provider, model) and win over all.
    """

    providers: Mapping[str, str | None]
    free: frozenset[str] = frozenset()
    own: Mapping[tuple[str, str], OwnPrice] = {}


class Costs:
    """Prices by configured provider and model. `now` is seconds since the epoch."""

    def __init__(
        self, table: PriceTable, tariffs: Tariffs, *, now: Callable[[], float], counter: Counter | None = None
    ) -> None:
        self._table = table
        self._now = now
        self._counter = counter
        self.use(tariffs)

    @property
    def version(self) -> str:
        """Of the rate table, for the row."""
        return self._table.version

    def use(self, tariffs: Tariffs) -> None:
        """Take over a changed configuration."""
        self._tariffs = tariffs
        self._found: dict[tuple[str, str], tuple[Rates | None, int | None]] = {}

    def price(self, provider: str, model: str, usage: Usage, tier: str | None = None) -> float | None:
        """US dollars; None where nobody knows."""
        rates = self._rates(provider, model, tier)
        return None if rates is None else rates.cost(usage) / FEMTO

    def most(
        self, provider: str, model: str, prompt: int, completion: int, tier: str | None = None
    ) -> float | None:
        """US dollars that so many tokens cost at most, of whatever kind they are; None where nobody knows."""
        rates = self._rates(provider, model, tier)
        return None if rates is None else rates.most(prompt, completion) / FEMTO

    def output_cap(self, provider: str, model: str) -> int | None:
        """Completion tokens the model writes at most; None where nobody knows."""
        found = self._found.get((provider, model))
        return (self._remember(provider, model) if found is None else found)[1]

    def estimate(self, row: Interaction) -> float | None:
        """What a call whose process died has cost, probably."""
        prompt = 0 if row.tokens.prompt is None else row.tokens.prompt
        completion = 0 if row.kind == "embeddings" else LOST_COMPLETION
        return self.price(row.provider, row.model, Usage(prompt, completion))

    def settle(self, request: ChatRequest, facts: Facts, outcome: Outcome) -> None:
        """Fill in usage, cost and what was saved: a debt of the request's `Ending`, to be incurred last."""
        if not facts.attempts:
            facts.cost = 0.0
            facts.saved = self._saved_by_reuse(facts)
            return
        serving = _serving(facts.attempts)
        if outcome.kind != "complete" and facts.usage is not None:
            self._count_rest(facts, facts.usage, outcome)
        elif facts.usage is None and (outcome.kind == "complete" or _was_billed(facts.attempts[serving])):
            self._count(request, facts, outcome)
        tier = self._tier(facts, outcome) or request.service_tier
        for number, attempt in enumerate(facts.attempts):
            facts.attempts[number] = self._line(attempt, number == serving, request, facts, tier)
        lines = [attempt.cost for attempt in facts.attempts]
        facts.cost = None if None in lines else sum(cost for cost in lines if cost is not None)
        facts.saved = self._saved_on_the_way(request, facts, tier)

    def settle_passage(self, request: ChatRequest, facts: Facts, outcome: Outcome) -> None:
        """As `settle`, for what nobody can count: a picture, a sound. Nobody knows its cost but the provider."""
        if facts.usage is None and any(_was_billed(attempt) for attempt in facts.attempts):
            facts.cost = None
            return
        self.settle(request, facts, outcome)

    def _line(
        self, attempt: Attempt, serving: bool, request: ChatRequest, facts: Facts, tier: str | None
    ) -> Attempt:
        if serving and facts.usage is not None:
            usage, source = facts.usage, facts.usage_source
        elif _was_billed(attempt):
            usage, source = Usage(len(request.body) // BYTES_PER_TOKEN), "estimated"
        else:
            usage, source = Usage(), "provider"
        cost = 0.0 if usage == Usage() else self.price(attempt.provider, attempt.model, usage, tier)
        return msgspec.structs.replace(attempt, usage=usage, cost=cost, source=source)

    def _count(self, request: ChatRequest, facts: Facts, outcome: Outcome) -> None:
        """What nobody told, from the texts themselves."""
        completion, text = _whole_of(outcome)
        if self._counter is None or len(request.body) + len(text) > COUNTED_BYTES:
            prompt, written = len(request.body) // BYTES_PER_TOKEN, len(text.encode()) // BYTES_PER_TOKEN
            facts.usage_source = "estimated"
        else:
            model = facts.served_model or request.model
            prompt, written = self._counter.prompt(request, model), self._counter.text(text, model)
            facts.usage_source = "counted"
        if completion is None and outcome.transcript is not None and facts.first_data is not None:
            written, facts.usage_source = LOST_COMPLETION, "estimated"
        facts.usage = Usage(prompt, 0 if request.kind == "embeddings" else written)

    def _count_rest(self, facts: Facts, told: Usage, outcome: Outcome) -> None:
        """Of a stream that was cut: a provider that counts as it goes had not told of all that was written."""
        text = _whole_of(outcome)[1]
        if self._counter is None or len(text) > COUNTED_BYTES:
            written = len(text.encode()) // BYTES_PER_TOKEN
        else:
            written = self._counter.text(text, facts.served_model)
        if written > told.completion_tokens:
            facts.usage = msgspec.structs.replace(told, completion_tokens=written)
            facts.usage_source = "counted"

    def _tier(self, facts: Facts, outcome: Outcome) -> str | None:
        """The tier that the provider says it served at, where it has prices of its own."""
        found = self._find(facts.provider, facts.served_model)
        if found is None or not found.variants:
            return None
        completion = _whole_of(outcome)[0]
        return None if completion is None else told_tier(completion)

    def _saved_by_reuse(self, facts: Facts) -> tuple[tuple[str, float], ...]:
        """A hit costs nothing; the same tokens from the model would have."""
        route = facts.route
        if facts.cache not in REUSED or facts.usage is None or route is None:
            return ()
        cost = self.price(route.provider, route.model, facts.usage)
        return () if cost is None else (("cache", cost),)

    def _saved_on_the_way(
        self, request: ChatRequest, facts: Facts, tier: str | None
    ) -> tuple[tuple[str, float], ...]:
        """By compression: the tokens that were not sent. By routing: the same tokens at the asked model's rate."""
        usage, provider, served = facts.usage, facts.provider, facts.served_model
        if usage is None:
            return ()
        cost = self.price(provider, served, usage, tier)
        if cost is None:
            return ()
        instead: list[tuple[str, float | None]] = []
        if facts.tokens_saved:
            longer = msgspec.structs.replace(usage, prompt_tokens=usage.prompt_tokens + facts.tokens_saved)
            instead.append(("compression", self.price(provider, served, longer, tier)))
        if request.model not in ("", served):
            instead.append(("routing", self.price(provider, request.model, usage, tier)))
        return tuple(
            (method, other - cost) for method, other in instead if other is not None and other != cost
        )

    def _rates(self, provider: str, model: str, tier: str | None) -> Rates | None:
        found = self._found.get((provider, model))
        rates = (self._remember(provider, model) if found is None else found)[0]
        if rates is not None and (tier is None or rates is _FREE or (provider, model) in self._tariffs.own):
            return rates
        known = self._find(provider, model)
        return None if known is None else self._table.rates(known, self._now(), tier)

    def _remember(self, provider: str, model: str) -> tuple[Rates | None, int | None]:
        """The rates that hold at any time, None where they depend on it or nobody knows; and the most it writes."""
        own, known = self._tariffs.own.get((provider, model)), self._find(provider, model)
        cap = None if known is None else known.max_output
        rates = None
        if own is not None:
            rates, cap = own.rates, cap if own.max_output is None else own.max_output
        elif provider in self._tariffs.free:
            rates = _FREE
        elif known is not None and len(known.prices) == 1:
            rates = self._table.rates(known, self._now())
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[provider, model] = found = rates, cap
        return found

    def _find(self, provider: str, model: str) -> Model | None:
        price_provider = self._tariffs.providers.get(provider)
        return None if price_provider is None else self._table.find(price_provider, model)


def _whole_of(outcome: Outcome) -> tuple[ChatCompletion | None, str]:
    """The answer as far as it came, and what the model wrote in it; frames that make no answer are none."""
    try:
        completion = None if outcome.transcript is None else outcome.transcript.completion()
    except RouterError:
        completion = None
    return completion, "" if completion is None else written_text(completion)


def own_price(units: Units, max_output: int | None = None) -> OwnPrice:
    """Rates of an operator's own."""
    return OwnPrice(Rates(units), max_output)


def _serving(attempts: list[Attempt]) -> int:
    """The attempt whose answer was shown: the one without an error, else the last that got as far as a body."""
    for wanted in (_is_whole, _has_body):
        for number in range(len(attempts) - 1, -1, -1):
            if wanted(attempts[number]):
                return number
    return len(attempts) - 1


def _is_whole(attempt: Attempt) -> bool:
    return attempt.status == 200 and attempt.error is None


def _has_body(attempt: Attempt) -> bool:
    return attempt.status == 200


def _was_billed(attempt: Attempt) -> bool:
    return attempt.status in _BILLED_ERRORS
