"""What a request has used once it is over: the provider's count, or as much as can be known. Pure."""

from __future__ import annotations

from typing import Final, Protocol

from synthlang_router.auth.demand import BYTES_PER_TOKEN, Demand
from synthlang_router.errors import RouterError
from synthlang_router.models import Facts, Outcome, Usage

_NOTHING: Final = Usage()


class Tariff(Protocol):
    """Prices and sizes of models."""

    def price(self, provider: str, model: str, usage: Usage, tier: str | None = None) -> float | None:
        """US dollars, at a service tier where it has a price of its own; None where nobody knows."""
        ...

    def most(
        self, provider: str, model: str, prompt: int, completion: int, tier: str | None = None
    ) -> float | None:
        """US dollars that so many tokens cost at most, of whatever kind they are; None where nobody knows."""
        ...

    def output_cap(self, provider: str, model: str) -> int | None:
        """Completion tokens the model writes at most; None where nobody knows."""
        ...


def usage_of(facts: Facts, outcome: Outcome, demand: Demand) -> Usage:
    """The usage to settle by: over all calls where each has its own count, else that of the last.

    A request that made no call (it shared another's, or failed before) used nothing, whatever it was shown. A call
    the provider refused is free; one that was cut has used its prompt and what was written until then.
    """
    if not facts.attempts:
        return _NOTHING
    counted = [attempt.usage for attempt in facts.attempts if attempt.usage is not None]
    if len(counted) == len(facts.attempts):
        return Usage(
            prompt_tokens=sum([usage.prompt_tokens for usage in counted]),
            completion_tokens=sum([usage.completion_tokens for usage in counted]),
        )
    if facts.usage is not None:
        return facts.usage
    if outcome.kind == "failed" and facts.first_data is None and facts.attempts[-1].status != 504:
        return _NOTHING
    return Usage(prompt_tokens=demand.prompt, completion_tokens=_written(outcome, demand))


def cost_of(facts: Facts, usage: Usage, tariff: Tariff) -> float:
    """US dollars: what the record says, else what the tariff says; nothing where nobody knows."""
    if facts.cost is not None:
        return facts.cost
    price = tariff.price(facts.provider, facts.served_model, usage) if usage.total_tokens else 0.0
    return 0.0 if price is None else price


def _written(outcome: Outcome, demand: Demand) -> int:
    try:
        completion = None if outcome.transcript is None else outcome.transcript.completion()
    except RouterError:  # frames that make no answer were written all the same
        return demand.likely
    if completion is None:
        return 0
    text = completion.raw if completion.content is None else completion.content.encode("utf-8", "replace")
    return min(demand.most, max(1, round(len(text) / BYTES_PER_TOKEN)))
