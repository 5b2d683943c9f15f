"""`Course`: one request on its way past the targets of its route, and what it tried so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from synthlang_router.errors import RouterError
from synthlang_router.llm_provider.fitting import Fitted, fitted_to, fitted_to_route
from synthlang_router.llm_provider.lane import Lane
from synthlang_router.llm_provider.transport import Timeouts
from synthlang_router.models import ChatRequest, Facts, Route, Wishes


@dataclass(slots=True)
class Course:
    """One request, and what it tried: by lane, the wait it was told, None for a lane not worth another try.

    `error` is what the last call that was sent came to. `borrows`: its retries need not have been earned yet.
    """

    lanes: Sequence[Lane]
    route: Route
    request: ChatRequest
    wishes: Wishes
    facts: Facts
    tried: dict[Lane, float | None] = field(default_factory=dict)
    tries: int = 0
    error: RouterError | None = None
    borrows: bool = False

    def fitted(self, lane: Lane) -> Fitted:
        """The request as it goes to a lane. Raises InvalidRequest where it cannot."""
        route = self.route
        if (lane.provider, lane.model) == (route.provider, route.model):
            return fitted_to_route(self.request, route)
        for target in route.alternatives:
            if (target.provider, target.model) == (lane.provider, lane.model):
                return fitted_to(self.request, target, strict=self.wishes.strict)
        return self.request, ()

    def deadline(self, timeouts: Timeouts) -> float:
        """On the monotonic clock; all tries share it."""
        wished = self.wishes.timeout
        return self.facts.started + (timeouts.total if wished is None else min(wished, timeouts.total))


def spent(course: Course, error: RouterError) -> RouterError:
    """Our tries are over: the client's would only add to the load."""
    error.should_retry = False
    told = course.facts.upstream_headers
    course.facts.upstream_headers = tuple(pair for pair in told if pair[0] != "x-should-retry")
    return error
