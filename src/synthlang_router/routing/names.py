"""Names -> plans: who serves a name, prepared once per configuration so that a request costs a look-up.

A configured name wins; then `provider/model` with a configured provider, which is pinned; then a name that a provider
lists; a sole provider without a list serves every name.
"""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec

from synthlang_router.models import Patience, Route, Target
from synthlang_router.routing.catalog import Catalog, usable_name
from synthlang_router.routing.globs import matches
from synthlang_router.routing.parameters import impossible, renamed


@dataclass(frozen=True, slots=True)
class Model:
    """A public name. `fallbacks` are names; a fallback's own fallbacks are not followed.

    `hedge` and `patience` are those of `Route`.
    """

    name: str
    targets: tuple[Target, ...]
    fallbacks: tuple[str, ...] = ()
    hedge: bool = False
    patience: Patience | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One prepared route to `target`, and the fallback names from which its alternatives came (None: its own)."""

    route: Route
    target: Target
    origins: tuple[str | None, ...] = ()

    def allowed(self, globs: tuple[str, ...]) -> Choice:
        """Without the alternatives whose names a key may not use."""
        return self.kept(lambda _, origin: origin is None or matches(origin, globs))

    def kept(self, wanted: Callable[[Target, str | None], bool]) -> Choice:
        """With those of the alternatives that are wanted."""
        pairs = list(zip(self.route.alternatives, self.origins, strict=True))
        kept = [number for number, pair in enumerate(pairs) if wanted(*pair)]
        if len(kept) == len(pairs):
            return self
        route = msgspec.structs.replace(
            self.route,
            alternatives=tuple(pairs[number][0] for number in kept),
            peers=sum(number < self.route.peers for number in kept),
        )
        return Choice(route, self.target, tuple(pairs[number][1] for number in kept))


@dataclass(frozen=True, slots=True)
class Plan:
    """What serves one name: choices and where each one's share of the interval up to `total` ends.

    `limited`: one of its targets cannot take every request.
    """

    name: str
    choices: tuple[Choice, ...]
    ends: tuple[float, ...] = (1.0,)
    total: float = 1.0
    limited: bool = False

    def choose(self, at: float) -> Choice:
        """The choice at a point of [0, 1)."""
        if len(self.choices) == 1:
            return self.choices[0]
        return self.choices[min(bisect(self.ends, at * self.total), len(self.choices) - 1)]


class Names:
    """All names that are served, under one configuration and one state of the catalog."""

    def __init__(self, models: Iterable[Model], providers: Sequence[str], catalog: Catalog) -> None:
        self.models: Mapping[str, Model] = {model.name: model for model in models}
        self.providers = tuple(providers)
        self.listed = catalog.listed
        self._catalog = catalog
        sole = self.providers[0] if len(self.providers) == 1 else None
        self.sole = sole
        self.serves_everything = sole is not None and not catalog.has_list(sole)
        self.configured: Mapping[str, Plan] = {
            model.name: self._plan(model) for model in self.models.values()
        }

        self.public: tuple[str, ...] = tuple(self.models or self.listed)
        """The names to show: the configured ones, else all that are listed."""
        self._alike: dict[str, list[str]] = {}
        for name in self.public:
            self._alike.setdefault(_beginning(name), []).append(name)

    def alike(self, name: str) -> Sequence[str]:
        """The public names that begin like `name`; all of them where none does."""
        return self._alike.get(_beginning(name), self.public)

    def find(self, name: str) -> Plan | None:
        """Who serves a name, None where nobody is known to."""
        return self.configured.get(name) or self.pinned(name) or self._from_list(name)

    def pinned(self, name: str) -> Plan | None:
        """`provider/model` with a configured provider."""
        provider, slash, model = name.partition("/")
        if not slash or provider not in self.providers or not usable_name(model) or name in self.models:
            return None
        return single(name, Target(provider, model), "pinned")

    def unchanged(self, name: str) -> Plan | None:
        """The sole provider under the name as it was asked, for whom it may be new."""
        if self.sole is None or not usable_name(name):
            return None
        return single(name, Target(self.sole, name), "sole provider")

    def _from_list(self, name: str) -> Plan | None:
        provider = self.listed.get(name)
        if provider is not None:
            return single(name, Target(provider, name), "listed")
        if self.serves_everything:
            return self.unchanged(name)
        provider = self._catalog.known_at(name)
        return None if provider is None else single(name, Target(provider, name), "known")

    def _plan(self, model: Model) -> Plan:
        weighted = [target for target in model.targets if target.weight > 0]
        policy = _policy(model)
        choices = tuple(self._choice(model, target, policy) for target in weighted)
        ends = tuple(accumulate(target.weight for target in weighted))
        every = [target for choice in choices for target in (choice.target, *choice.route.alternatives)]
        limited = any(target.lacks or target.context is not None for target in every)
        return Plan(model.name, choices, ends, ends[-1], limited)

    def _choice(self, model: Model, target: Target, policy: str) -> Choice:
        """The others in their order, those of weight 0 last, then the fallbacks' targets; nobody twice."""
        others = sorted(
            (other for other in model.targets if other is not target), key=lambda other: other.weight == 0
        )
        origins: dict[tuple[str, str], tuple[Target, str | None]] = {}
        for other in others:
            origins.setdefault((other.provider, other.model), (other, None))
        for name in model.fallbacks:
            for other in self._targets_of(name):
                origins.setdefault((other.provider, other.model), (other, name))
        origins.pop((target.provider, target.model), None)
        alternatives = tuple(_known(other) for other, _ in origins.values())
        peers = sum(origin is None and other.weight > 0 for other, origin in origins.values())
        route = Route(
            target.provider,
            target.model,
            "configured",
            policy,
            alternatives,
            weight=target.weight,
            peers=peers,
            hedge=model.hedge,
            patience=model.patience,
        )
        return Choice(route, target, tuple(origin for _, origin in origins.values()))

    def _targets_of(self, name: str) -> tuple[Target, ...]:
        if name in self.models:
            return self.models[name].targets
        plan = self.pinned(name) or self._from_list(name)
        return () if plan is None else tuple(Target(c.route.provider, c.route.model) for c in plan.choices)


def _beginning(name: str) -> str:
    return name[:2].lower()


def single(name: str, target: Target, reason: str) -> Plan:
    """A plan of one target, whose policy is the target itself."""
    route = Route(target.provider, target.model, reason, f"{target.provider}/{target.model}")
    return Plan(name, (Choice(route, target),))


def _known(target: Target) -> Target:
    """With what is known of its model."""
    refuses = tuple(sorted(impossible(target.model)))
    return msgspec.structs.replace(target, refuses=refuses, renames=renamed(target.model))


def _policy(model: Model) -> str:
    """The name with a digest of what is configured under it: after a change, old answers are out of scope."""
    digest = hashlib.blake2b(msgspec.json.encode((model.targets, model.fallbacks)), digest_size=6)
    return f"{model.name}@{digest.hexdigest()}"
