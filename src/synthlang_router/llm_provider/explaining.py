"""`Way`: what a target would make of a request, found out without sending anything."""

from __future__ import annotations

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.llm_provider.course import Course
from synthlang_router.llm_provider.lane import Lane, State
from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.wire.bridges import interpret
from synthlang_router.wire.passage import PASSAGES


class Way(msgspec.Struct, frozen=True):
    """One target, in the order in which they would be asked. `refused` says why it cannot take the request."""

    provider: str
    model: str
    dialect: str
    state: State
    dropped: tuple[str, ...] = ()
    refused: str | None = None


def way_of(lane: Lane, state: State, endpoint: Endpoint, course: Course) -> Way:
    """Strictness is the request's own: a parameter that would have to go is then a refusal."""
    dialect = endpoint.provider.dialect
    try:
        request, dropped = course.fitted(lane)
        if request.kind in PASSAGES or (endpoint.relays_chat and request.kind == "chat"):
            endpoint.address(request.kind, course.wishes, stream=request.stream, model=lane.model)
        else:
            voice = interpret(request, dialect, created=0, serves_responses=endpoint.serves_responses)
            endpoint.address(voice.request.kind, course.wishes, stream=voice.request.stream, model=lane.model)
            dropped += tuple(name for name in voice.dropped if name not in dropped)
    except InvalidRequest as error:
        return Way(lane.provider, lane.model, dialect, state, refused=error.message)
    if dropped and course.wishes.strict:
        return Way(lane.provider, lane.model, dialect, state, refused=f"would lose {', '.join(dropped)}")
    return Way(lane.provider, lane.model, dialect, state, dropped)
