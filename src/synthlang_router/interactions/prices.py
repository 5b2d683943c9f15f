"""`PriceTable`: what a model's tokens cost, from a table compiled by `scripts/build_prices.py`. [hot]

Amounts are whole femto-dollars (1e-15 USD), so that sums are exact. A price is a linear function of the usage: tokens
of a kind that has a rate of its own (cached, reasoning, audio) pay the difference to the rate they are part of.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec

from synthlang_router.errors import ConfigurationError
from synthlang_router.models import Usage

FEMTO: Final = 10**15
_DAY: Final = 86_400
_REMEMBERED: Final = 4096
_DATE: Final = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

Amount = int | list[tuple[int, int]]
"""One rate, or (prompt tokens that must be exceeded, rate) in rising order, the first from -1."""


class Match(msgspec.Struct, frozen=True):
    """Which names a model goes by; one field is set."""

    equals: str | None = None
    contains: str | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    regex: str | None = None
    any_of: tuple[Match, ...] | None = msgspec.field(name="or", default=None)
    all_of: tuple[Match, ...] | None = msgspec.field(name="and", default=None)

    def fits(self, name: str) -> bool:
        """`name` in lower case."""
        if self.any_of is not None:
            return any(part.fits(name) for part in self.any_of)
        if self.all_of is not None:
            return all(part.fits(name) for part in self.all_of)
        return self._is(name)

    def _is(self, name: str) -> bool:
        if self.equals is not None:
            return name == self.equals.lower()
        if self.starts_with is not None:
            return name.startswith(self.starts_with.lower())
        if self.ends_with is not None:
            return name.endswith(self.ends_with.lower())
        if self.contains is not None:
            return self.contains.lower() in name
        return self.regex is not None and re.search(self.regex, name) is not None


class Units(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rates in femto-dollars a token, or a request; None has no rate of its own."""

    input: Amount | None = None
    output: Amount | None = None
    cached: Amount | None = None
    cache_write: Amount | None = None
    reasoning: Amount | None = None
    audio_input: Amount | None = None
    audio_output: Amount | None = None
    request: Amount | None = None


_NOTHING: Final = Units()


class Price(msgspec.Struct, frozen=True):
    """`since` is seconds since the epoch; `from` and `to` are seconds of the day in UTC; `tier` is a service tier."""

    units: Units
    since: int | None = None
    begins: int | None = msgspec.field(name="from", default=None)
    ends: int | None = msgspec.field(name="to", default=None)
    tier: str | None = None

    def active(self, now: float) -> bool:
        if self.since is not None and now < self.since:
            return False
        if self.begins is None or self.ends is None:
            return True
        second = now % _DAY
        if self.ends < self.begins:
            return second >= self.begins or second < self.ends
        return self.begins <= second < self.ends


class Model(msgspec.Struct, frozen=True):
    """A model in the table; of `prices` the last that is active counts, else the first."""

    id: str
    match: Match
    prices: tuple[Price, ...]
    variants: tuple[Price, ...] = ()
    max_output: int | None = None


class Provider(msgspec.Struct, frozen=True):
    """`pattern` finds it by base URL; `fallback` are those whose models it serves too."""

    pattern: str
    fallback: tuple[str, ...]
    models: tuple[Model, ...]


class _Table(msgspec.Struct):
    version: str
    providers: dict[str, msgspec.Raw]


Coefficients = tuple[int, int, int, int, int, int, int, int]


class Rates:
    """A model's price at some time, ready to be multiplied."""

    __slots__ = ("_dearest", "_steps")

    def __init__(self, units: Units) -> None:
        starts = sorted(
            {start for amount in _amounts(units) if isinstance(amount, list) for start, _ in amount} | {-1}
        )
        self._steps = tuple((start, _coefficients(units, start + 1)) for start in reversed(starts))
        self._dearest = tuple((start, *_dearest(found)) for start, found in self._steps)

    def cost(self, usage: Usage) -> int:
        """Femto-dollars. Parts that exceed their whole are cut down to it."""
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        for start, found in self._steps:  # noqa: B007 - the last one is from -1
            if prompt > start:
                break
        cost = found[0] * prompt + found[1] * completion + found[7]
        cached = usage.cached_tokens
        if cached or usage.cache_write_tokens:
            cached = min(cached, prompt)
            cost += found[2] * cached + found[3] * min(usage.cache_write_tokens, prompt - cached)
        if usage.reasoning_tokens:
            cost += found[4] * min(usage.reasoning_tokens, completion)
        if usage.audio_prompt_tokens or usage.audio_completion_tokens:
            cost += found[5] * min(usage.audio_prompt_tokens, prompt)
            cost += found[6] * min(usage.audio_completion_tokens, completion)
        return cost

    def most(self, prompt: int, completion: int) -> int:
        """Femto-dollars at most, whatever kinds of tokens these turn out to be."""
        dearest = 0
        for start, per_prompt, per_completion, request in self._dearest:
            if prompt > start:  # a shorter prompt may fall under any step below
                cost = per_prompt * prompt + per_completion * completion + request
                if cost > dearest:
                    dearest = cost
        return dearest


class PriceTable:
    """Looks models up by price provider and name, and remembers what it found; providers are decoded when needed."""

    def __init__(self, data: bytes) -> None:
        table = msgspec.json.decode(data, type=_Table)
        self.version = table.version
        self._raw = table.providers
        self._providers: dict[str, Provider] = {}
        self._models: OrderedDict[tuple[str, str], Model | None] = OrderedDict()
        self._rates: dict[int, Rates] = {}

    @classmethod
    def built_in(cls) -> PriceTable:
        return cls(files(__package__).joinpath("prices.json").read_bytes())

    def provider_at(self, base_url: str) -> str | None:
        """The price provider whose API is at this URL."""
        for name in self._raw:
            if re.match(self._provider(name).pattern, base_url):
                return name
        return None

    def names(self, provider: str) -> tuple[str, ...]:
        """The models that are listed under a price provider."""
        return (
            () if provider not in self._raw else tuple(model.id for model in self._provider(provider).models)
        )

    def find(self, provider: str, model: str) -> Model | None:
        """A model by any of its names."""
        key = provider, model
        if key in self._models:
            return self._models[key]
        found = self._models[key] = self._search(provider, model.lower())
        if len(self._models) > _REMEMBERED:
            self._models.popitem(last=False)
        return found

    def rates(self, model: Model, now: float, tier: str | None = None) -> Rates | None:
        """What holds at `now`, for a service tier where it has prices of its own; None for what is not paid by tokens."""
        price = model.prices[0]
        if len(model.prices) > 1:
            price = next((entry for entry in reversed(model.prices) if entry.active(now)), price)
        units = price.units
        if tier is not None:
            units = _with_variants(units, model, now, tier)
        if units == _NOTHING:
            return None
        if units is not price.units:
            return Rates(units)
        known = self._rates.get(id(units))
        if known is None:
            known = self._rates[id(units)] = Rates(
                units
            )  # the table keeps `units` alive: the id stays its own
        return known

    def _provider(self, name: str) -> Provider:
        known = self._providers.get(name)
        if known is None:
            known = self._providers[name] = msgspec.json.decode(self._raw[name], type=Provider)
        return known

    def _search(self, provider: str, model: str) -> Model | None:
        if provider not in self._raw:
            return None
        dashed = _DATE.sub(r"-\1-\2-\3", model)
        for name in dict.fromkeys((model, dashed)):
            for place in (provider, *self._provider(provider).fallback):
                for entry in self._provider(place).models:
                    if entry.match.fits(name):
                        return entry
        return None


def units_of(given: Mapping[str, Any], where: str) -> Units:
    """Rates from USD per million tokens (`request`: per request), as an operator writes them.

    Raises ConfigurationError that names `where` and the key.
    """
    amounts: dict[str, int] = {}
    for name, value in given.items():
        if name not in Units.__struct_fields__:
            raise ConfigurationError(
                f"{where}: no rate is called {name!r}; there are {', '.join(Units.__struct_fields__)}."
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise ConfigurationError(f"{where}.{name}: a rate is a number of US dollars, 0 or more.")
        amounts[name] = round(value * (FEMTO if name == "request" else FEMTO // 1_000_000))
    return Units(**amounts)


def _with_variants(units: Units, model: Model, now: float, tier: str) -> Units:
    changed: dict[str, Amount] = {}
    for variant in model.variants:
        if variant.tier == tier and variant.active(now):
            for name in Units.__struct_fields__:
                value = getattr(variant.units, name)
                if value is not None:
                    changed.setdefault(name, value)
    return msgspec.structs.replace(units, **changed) if changed else units


def _amounts(units: Units) -> list[Amount | None]:
    return [getattr(units, name) for name in Units.__struct_fields__]


def _coefficients(units: Units, prompt: int) -> Coefficients:
    """For prompts from `prompt` tokens on."""
    flat = [None if amount is None else _at(amount, prompt) for amount in _amounts(units)]
    whole_in, whole_out, cached, write, reasoning, audio_in, audio_out, request = flat
    base_in = 0 if whole_in is None else whole_in
    base_out = 0 if whole_out is None else whole_out
    return (
        base_in,
        base_out,
        0 if cached is None else cached - base_in,
        0 if write is None else write - base_in,
        0 if reasoning is None else reasoning - base_out,
        0 if audio_in is None else audio_in - base_in,
        0 if audio_out is None else audio_out - base_out,
        0 if request is None else request,
    )


def _dearest(found: Coefficients) -> tuple[int, int, int]:
    """For a token of the prompt, one of the completion, and a request, whatever kinds the tokens are of."""
    return (
        found[0] + max(0, found[2], found[3]) + max(0, found[5]),
        found[1] + max(0, found[4]) + max(0, found[6]),
        found[7],
    )


def _at(amount: Amount, prompt: int) -> int:
    if isinstance(amount, int):
        return amount
    return next(rate for start, rate in reversed(amount) if prompt > start)
