"""What of a request goes to a target: without the parameters that its model refuses, others under their new names."""

from __future__ import annotations

from synthlang_router.errors import InvalidRequest
from synthlang_router.llm_provider.transport import Timeouts
from synthlang_router.models import ChatRequest, Patience, Route, Target

Fitted = tuple[ChatRequest, tuple[str, ...]]
"""A request, and the names of what it lost."""


def fitted_to_route(request: ChatRequest, route: Route) -> Fitted:
    """For the target that the router chose, which said what has to go."""
    return _without(request, route.dropped, route.renamed), route.dropped


def fitted_to(request: ChatRequest, target: Target, *, strict: bool) -> Fitted:
    """For one that stands in. A model that was asked for by its own name gets what was sent.

    Raises InvalidRequest where strictness forbids to drop a parameter.
    """
    if target.model == request.model:
        return request, ()
    dropped = tuple(name for name in target.refuses if name in request.fields)
    if dropped and strict:
        raise InvalidRequest(
            f"The model {target.model} does not take: {', '.join(dropped)}.",
            param=dropped[0],
            code="unsupported_parameter",
        )
    renamed = tuple(pair for pair in target.renames if pair[0] in request.fields)
    return _without(request, dropped, renamed), dropped


def _without(
    request: ChatRequest, dropped: tuple[str, ...], renamed: tuple[tuple[str, str], ...]
) -> ChatRequest:
    if not dropped and not renamed:
        return request
    changed = {new: bytes(request.fields[old]) for old, new in renamed if new not in request.fields}
    return request.with_fields(changed, dropped=(*dropped, *(old for old, _ in renamed)))


def patient(timeouts: Timeouts, patience: Patience | None) -> Timeouts:
    """A provider's time limits with those of the asked name in their place."""
    if patience is None:
        return timeouts
    return Timeouts(
        timeouts.connect if patience.connect is None else patience.connect,
        timeouts.first_token if patience.first_token is None else patience.first_token,
        timeouts.idle if patience.idle is None else patience.idle,
        timeouts.total if patience.total is None else patience.total,
    )
