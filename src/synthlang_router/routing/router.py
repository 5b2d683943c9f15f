"""`choose_model`: which target answers a request, and why. [hot: 1 us for a configured name]

Synchronous and without I/O. The asked name and the name that answers must both be open to the key.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, NoReturn

import msgspec

from synthlang_router.errors import InvalidRequest, ModelNotFound, PermissionDenied
from synthlang_router.models import Caller, ChatRequest, Facts, Route, Wishes
from synthlang_router.routing.abilities import suited
from synthlang_router.routing.catalog import MAX_NAME_LENGTH, Catalog
from synthlang_router.routing.globs import EVERYTHING, matches
from synthlang_router.routing.names import Model, Names, Plan
from synthlang_router.routing.parameters import impossible, renamed
from synthlang_router.routing.rules import CHAT_KINDS, ApplyTo, Rule, described, first_match

MAX_LOOKED_AT: Final = 500
MAX_COMPARED: Final = 50
MAX_SHOWN: Final = 3
_SHOWN_LENGTH: Final = 100


class Router:
    """One per configuration. `rules` None: an unknown name is unknown. `random` gives points of [0, 1).

    `unnamed` is the provider of requests that name no model.
    """

    def __init__(
        self,
        *,
        models: Sequence[Model],
        providers: Sequence[str],
        rules: Sequence[Rule] | None,
        apply_to: ApplyTo,
        catalog: Catalog,
        random: Callable[[], float],
        unnamed: str | None = None,
    ) -> None:
        self._models = tuple(models)
        self._providers = tuple(providers)
        self._rules = rules
        self._apply_to_all = apply_to == "all" and bool(rules)
        self._catalog = catalog
        self._random = random
        self._unnamed = unnamed
        self._names = Names(self._models, self._providers, catalog)

    def choose_model(self, request: ChatRequest, caller: Caller, wishes: Wishes, facts: Facts) -> Route:
        """The route; `facts` gets model, route, reason and dropped parameters.

        Raises ModelNotFound, PermissionDenied, and InvalidRequest where strictness forbids to drop a parameter.
        """
        asked = request.model
        if not asked and self._unnamed is not None:
            return self._to_provider(self._unnamed, caller, facts)
        if caller.models != EVERYTHING and not (
            len(asked) <= MAX_NAME_LENGTH and matches(asked, caller.models)
        ):
            raise PermissionDenied("This key may not use the model it asked for.", param="model")
        plan, rule = self._plan_for(request, caller, wishes)
        choice = plan.choose(self._random())
        if plan.limited:
            choice = suited(plan, choice, request, self._random(), lambda name: matches(name, caller.models))
        if caller.models != EVERYTHING:
            if plan.name != asked and not matches(plan.name, caller.models):
                raise PermissionDenied(
                    "This key may not use the model that serves this request.", param="model"
                )
            choice = choice.allowed(caller.models)
        route = choice.route
        if route.model != asked:
            route = _fitted(route, request, wishes, pinned=route.reason == "pinned" and not rule)
        if rule:
            route = msgspec.structs.replace(route, reason=rule)
        facts.model = route.model
        facts.route = route
        facts.route_reason = route.reason
        facts.dropped = route.dropped
        return route

    def public_models(self, caller: Caller) -> tuple[str, ...]:
        """The names to show this caller, in the order of the configuration, or of the providers and their lists."""
        return tuple(name for name in self._current().public if matches(name, caller.models))

    def serves(self, name: str, caller: Caller) -> bool:
        """Whether a request for this name would go out under it (a rule that sends it elsewhere does not count)."""
        if len(name) > MAX_NAME_LENGTH or not matches(name, caller.models):
            return False
        names = self._current()
        plan = names.find(name)
        if plan is None and self._rules is not None and not self._rules:
            plan = names.unchanged(name)
        return plan is not None

    def _to_provider(self, provider: str, caller: Caller, facts: Facts) -> Route:
        """For a request that names no model: the provider's own default answers."""
        if caller.models != EVERYTHING:
            raise PermissionDenied(
                "This key may use some models only, so that a request must name one.", param="model"
            )
        route = facts.route = Route(provider, "", "first provider", f"{provider}/")
        facts.route_reason = route.reason
        return route

    def _current(self) -> Names:
        """The names under the catalog's newest state; prepared anew when it changed."""
        if self._names.listed is not self._catalog.listed:
            self._names = Names(self._models, self._providers, self._catalog)
        return self._names

    def _plan_for(self, request: ChatRequest, caller: Caller, wishes: Wishes) -> tuple[Plan, str]:
        """The plan, and which rule led there (empty: none)."""
        names = self._current()
        asked = request.model
        if not self._apply_to_all:
            plan = names.configured.get(asked)
            if plan is not None:
                return plan, ""
        if len(asked) > MAX_NAME_LENGTH:
            self._unknown(asked, caller)
        plan = names.pinned(asked) if self._apply_to_all else names.find(asked)
        if plan is None and self._rules is not None:
            ruled = self._by_rule(names, request, caller, wishes)
            if ruled is not None:
                return ruled
            plan = names.find(asked) or names.unchanged(asked)
        if plan is None:
            self._catalog.miss()
            self._unknown(asked, caller)
        return plan, ""

    def _by_rule(
        self, names: Names, request: ChatRequest, caller: Caller, wishes: Wishes
    ) -> tuple[Plan, str] | None:
        if not self._rules or request.kind not in CHAT_KINDS:
            return None
        found = first_match(self._rules, request, caller, wishes)
        if found is None:
            return None
        number, rule = found
        plan = names.find(rule.use)
        if plan is None:
            self._catalog.miss()
            self._unknown(
                request.model, caller, f" Rule {number} sends it to {rule.use}, which nobody serves."
            )
        return plan, f"rule {number}: {described(rule.when)} -> {rule.use}"

    def _unknown(self, asked: str, caller: Caller, why: str = "") -> NoReturn:
        near = self._nearest(asked, caller)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        shown = "".join(sign if sign.isprintable() else "?" for sign in asked[:_SHOWN_LENGTH])
        raise ModelNotFound(
            f"The model '{shown}' does not exist here or is not for this key.{why}{hint}", param="model"
        )

    def _nearest(self, asked: str, caller: Caller) -> list[str]:
        """Bounded: of the names that begin alike the first `MAX_COMPARED` are compared (0.3 ms measured)."""
        alike = islice(self._current().alike(asked), MAX_LOOKED_AT)
        compared = list(islice((name for name in alike if matches(name, caller.models)), MAX_COMPARED))
        return difflib.get_close_matches(asked[:_SHOWN_LENGTH], compared, n=MAX_SHOWN, cutoff=0.6)


def _fitted(route: Route, request: ChatRequest, wishes: Wishes, *, pinned: bool) -> Route:
    """The route with the parameters that the router's own choice of model makes impossible; a pinned one is no choice."""
    if pinned:
        return route
    refused = impossible(route.model)
    dropped = tuple(name for name in request.fields if name in refused) if refused else ()
    if dropped and wishes.strict:
        raise InvalidRequest(
            f"The model {route.model} that serves this request does not take: {', '.join(dropped)}.",
            param=dropped[0],
            code="unsupported_parameter",
        )
    other = tuple((old, new) for old, new in renamed(route.model) if old in request.fields)
    if not dropped and not other:
        return route
    return msgspec.structs.replace(route, dropped=dropped, renamed=other)
