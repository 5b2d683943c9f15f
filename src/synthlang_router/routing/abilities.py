"""Which of a name's targets can take a request at all: tools, images, JSON mode and the length of its context.

What the operator said of a target decides; of one he said nothing of, everything is assumed. Where no target can take
a request, the choice stays as it was and the provider says itself what it does not like.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatRequest, Target
from synthlang_router.routing.names import Choice, Plan
from synthlang_router.routing.rules import has_images, has_tools

BYTES_PER_TOKEN: Final = 4
"""English under o200k has 4.2; a prompt of which this says that it is too long is too long, or nearly."""
_PROMPT: Final = ("messages", "input", "prompt", "system", "instructions", "tools", "functions")
_MAXIMA: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_FORMATS: Final = (("response_format", ()), ("text", ("format",)), ("output_config", ("format",)))
_JSON_TYPES: Final = ("json_object", "json_schema")

Fits = Callable[[Target], bool]


def suited(plan: Plan, choice: Choice, request: ChatRequest, at: float, may: Callable[[str], bool]) -> Choice:
    """The choice with only those targets that can take the request, drawn anew at `at` where its own cannot.

    `may` says whether a fallback's name is open to the caller.
    """
    fits = _measure(request)
    if not fits(choice.target):
        able = [other for other in plan.choices if fits(other.target)]
        found = _drawn(able, at) if able else _promoted(choice, fits, may)
        if found is None:
            return choice
        choice = found
    return choice.kept(lambda target, _: fits(target))


def _drawn(choices: list[Choice], at: float) -> Choice:
    ends = tuple(accumulate(choice.target.weight for choice in choices))
    return Plan("", tuple(choices), ends, ends[-1]).choose(at)


def _promoted(choice: Choice, fits: Fits, may: Callable[[str], bool]) -> Choice | None:
    """The first stand-in that can take it, in the place of the first."""
    for number, (target, origin) in enumerate(zip(choice.route.alternatives, choice.origins, strict=True)):
        if fits(target) and (origin is None or may(origin)):
            rest = [other for other in range(len(choice.origins)) if other != number]
            route = msgspec.structs.replace(
                choice.route,
                provider=target.provider,
                model=target.model,
                weight=target.weight,
                peers=0,
                alternatives=tuple(choice.route.alternatives[other] for other in rest),
            )
            return Choice(route, target, tuple(choice.origins[other] for other in rest))
    return None


def _measure(request: ChatRequest) -> Fits:
    """What the request needs, found out once and only as far as a target asks."""
    found: dict[str, bool] = {}
    tests = {"tools": has_tools, "images": has_images, "json": wants_json}

    def needs(ability: str) -> bool:
        if ability not in found:
            found[ability] = tests[ability](request)
        return found[ability]

    def fits(target: Target) -> bool:
        if target.context is not None and least_tokens(request) > target.context:
            return False
        return not any(needs(ability) for ability in target.lacks)

    return fits


def least_tokens(request: ChatRequest) -> int:
    """Tokens that a request needs room for: its prompt, by its size, and the completion that it asks for."""
    size = sum(len(memoryview(request.fields[name])) for name in _PROMPT if name in request.fields)
    asked = [request.value(name) for name in _MAXIMA if name in request.fields]
    completion = max((value for value in asked if type(value) is int), default=0)
    return size // BYTES_PER_TOKEN + completion


def wants_json(request: ChatRequest) -> bool:
    """Whether the answer is to be JSON, whatever the caller's dialect calls it."""
    for name, path in _FORMATS:
        value: Any = request.value(name)
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, dict) and value.get("type") in _JSON_TYPES:
            return True
    return False
