"""`Resilience`: from a route to the first data of an answer, past targets that fail.

The rules live elsewhere, as values: who is asked first (`lanes`), what a failure means and how often one may try
again (`retries`), when a target is left alone (`circuit`, `standing`), when a second one is started (`hedge`). Here
they are followed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from synthlang_router.errors import InvalidRequest, ModelNotFound, ProviderUnavailable, RouterError
from synthlang_router.llm_provider.circuit import CLOSED, probing
from synthlang_router.llm_provider.conversation import conversation_key, is_signed
from synthlang_router.llm_provider.course import Course, spent
from synthlang_router.llm_provider.explaining import Way, way_of
from synthlang_router.llm_provider.fitting import patient
from synthlang_router.llm_provider.hedge import HedgeBudget, paid_in, paid_out
from synthlang_router.llm_provider.keycheck import key_is_refused
from synthlang_router.llm_provider.lane import STATES, Lane, TargetHealth
from synthlang_router.llm_provider.lanes import Lanes
from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.llm_provider.race import LOST, Found, first_with_data, let_go
from synthlang_router.llm_provider.retries import MAX_TRIES, RULES, counted, drawn, pause
from synthlang_router.llm_provider.standing import GOOD, KeyHealth, key_health, marked, suspected
from synthlang_router.llm_provider.trial import Trial
from synthlang_router.models import ChatRequest, Facts, Route, Wishes
from synthlang_router.telemetry import count

CHECK_EVERY: Final = 30.0
"""Seconds between two probes of one key."""


class Resilience:
    """One per process. `clock` is monotonic seconds, `random` gives points of [0, 1)."""

    def __init__(self, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._lanes = Lanes(random)
        self._clock = clock
        self._random = random
        self._endpoints: Mapping[str, Endpoint] = {}
        self._no_usage: set[str] = set()
        self._checked: dict[str, float] = {}
        self._hedges = HedgeBudget()

    def use(self, endpoints: Mapping[str, Endpoint]) -> None:
        """Take these providers from now on; what is known of their targets stays."""
        self._endpoints = endpoints
        self._no_usage.clear()

    def health(self) -> list[TargetHealth]:
        return self._lanes.health(self._clock())

    def keys(self) -> list[KeyHealth]:
        """How the keys of the configured providers are."""
        now = self._clock()
        return [key_health(name, self._lanes.key_of(name), now) for name in self._endpoints]

    def explain(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> list[Way]:
        """Whom a request would ask now, the first first. Nothing is sent. Raises ModelNotFound as `begin` does."""
        now = self._clock()
        ordered, _ = self._lanes.order(route, request, wishes, now)
        lanes = self._possible(ordered, route, request, wishes)
        course = Course(lanes, route, request, wishes, facts)
        return [
            way_of(lane, self._lanes.state(lane, now), self._endpoints[lane.provider], course)
            for lane in lanes
        ]

    async def begin(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Found:
        """A trial and its first data. Raises the last failure where no target gives any."""
        now = self._clock()
        ordered, key = self._lanes.order(route, request, wishes, now)
        lanes = self._possible(ordered, route, request, wishes)
        lane = lanes[0]
        lane.budget = counted(lane.budget, wishes.client_retry)
        if lane.circuit is not CLOSED and lane.circuit.dead and lane.circuit.verdict(now) == "open":
            wait = max(0.0, lane.circuit.retry_at() - now)
            raise ProviderUnavailable(
                "No provider of this model can be reached at the moment.", retry_after=wait
            )
        well = lane.circuit.opened is None and wishes.client_retry == 0
        course = Course(lanes, route, request, wishes, facts, borrows=well)
        may_race = route.hedge and len(lanes) > 1 and request.upload is None
        delay = self._hedge_after(lanes, now) if may_race else None
        found = await (self._run(course) if delay is None else self._hedged(course, delay))
        lane = found[0].lane
        self._lanes.set_key(lane.provider, GOOD)
        if key is not None:
            self._lanes.pin(key, lane)
        elif (lane.provider, lane.model) != (
            route.provider,
            route.model,
        ):  # a stand-in answered; what it signs, only it will take
            self._lanes.pin(conversation_key(request, wishes), lane)
        return found

    def _possible(
        self, ordered: list[Lane], route: Route, request: ChatRequest, wishes: Wishes
    ) -> list[Lane]:
        """Those that are configured and may have this request; the order stays. Signed thoughts go to their signer only."""
        possible = [lane for lane in ordered if lane.provider in self._endpoints]
        if not possible:
            raise ModelNotFound(f"No provider named {ordered[0].provider!r} is configured.")
        if len(possible) == 1 or not is_signed(request):
            return possible
        signer = self._endpoints.get(self._lanes.home(route, request, wishes).provider)
        if signer is None:
            return possible
        return [lane for lane in possible if _same_place(self._endpoints[lane.provider], signer)]

    async def _run(self, course: Course) -> Found:
        """Try until there is data or nothing is left to try."""
        lane = course.lanes[0]
        while True:
            trial: Trial | None = None
            try:
                trial = self._trial(lane, course)
                return trial, await trial.begin(ask_for_usage=self._asks_for_usage(trial.endpoint))
            except InvalidRequest as error:
                _leave(trial, "refused")
                if trial is not None and not trial.repeatable:
                    raise
                lane = await self._not_there(course, lane, error)
            except RouterError as error:
                if trial is None:
                    raise
                trial.close()
                lane = await self._next(course, trial, error)
            except BaseException as stop:
                _leave(trial, LOST if stop.args == (LOST,) else "cancelled")
                raise

    def _trial(self, lane: Lane, course: Course) -> Trial:
        endpoint = self._endpoints[lane.provider]
        fitted = course.fitted(lane)
        timeouts = patient(endpoint.provider.timeouts, course.route.patience)
        if lane.circuit is not CLOSED and lane.circuit.opened is not None:
            lane.circuit = probing(lane.circuit, self._clock())
        return Trial(
            lane,
            endpoint,
            fitted,
            course.wishes,
            course.facts,
            timeouts,
            course.deadline(timeouts),
            self._clock,
        )

    def _asks_for_usage(self, endpoint: Endpoint) -> bool:
        setting = endpoint.provider.stream_usage
        return setting == "always" or (setting == "ask" and endpoint.provider.name not in self._no_usage)

    async def _next(self, course: Course, trial: Trial, error: RouterError) -> Lane:
        """Where to try next; raises `error` where nowhere."""
        lane = trial.lane
        if trial.asked_for_usage and trial.endpoint.provider.stream_usage == "ask" and refuses_usage(error):
            self._no_usage.add(lane.provider)
            return lane
        failure = trial.failure(error)
        rule = RULES[failure]
        course.error = error
        if failure in ("key", "quota"):
            await self._doubt_key(trial.endpoint, failure)
        if not rule.elsewhere or not trial.repeatable:
            raise error
        course.tries += 1
        course.tried[lane] = (
            (error.retry_after or 0.0) if rule.again and error.should_retry is not False else None
        )
        if course.tries >= MAX_TRIES:
            raise spent(course, error)
        elsewhere = self._elsewhere(course)
        if elsewhere is not None:
            count("upstream_failovers", lane.provider)
            return elsewhere
        return await self._again(course, error)

    async def _not_there(self, course: Course, lane: Lane, error: InvalidRequest) -> Lane:
        """Where to go with a request that this target cannot take and was not sent; raises where nowhere."""
        course.tried[lane] = None
        elsewhere = self._elsewhere(course)
        if elsewhere is not None:
            return elsewhere
        if course.error is None:
            raise error
        return await self._again(course, course.error)

    def _elsewhere(self, course: Course) -> Lane | None:
        return next((lane for lane in course.lanes if lane not in course.tried and self._may(lane)), None)

    async def _again(self, course: Course, error: RouterError) -> Lane:
        """A target that failed already, after a pause, if its budget and the deadline allow it."""
        waits = [(told, lane) for lane, told in course.tried.items() if told is not None]
        if not waits:
            raise error if course.tries == 1 else spent(course, error)
        told, lane = min(waits, key=lambda wait: wait[0])
        seconds = pause(course.tries, self._random(), told)
        timeouts = patient(self._endpoints[lane.provider].provider.timeouts, course.route.patience)
        if seconds is None or self._clock() + seconds >= course.deadline(timeouts):
            raise error
        budget = drawn(lane.budget, lent=course.borrows)
        if budget is None:
            count("upstream_retries_refused", lane.provider)
            raise spent(course, error)
        lane.budget = budget
        count("upstream_retries", lane.provider)
        await asyncio.sleep(seconds)
        return lane

    def _may(self, lane: Lane) -> bool:
        return STATES[lane.rank(self._clock(), key_refused=False)] != "dead"

    async def _doubt_key(self, endpoint: Endpoint, failure: str) -> None:
        """A refused key is confirmed by a probe that is about no prompt, an empty account by a second refusal."""
        name = endpoint.provider.name
        standing = self._lanes.key_of(name)
        now = self._clock()
        if failure == "quota" or standing.until is not None:
            self._lanes.set_key(name, suspected(standing, now))
        elif now >= self._checked.get(name, -math.inf) + CHECK_EVERY:
            self._checked[name] = now
            if await key_is_refused(endpoint, now):
                self._lanes.set_key(name, marked(standing, self._clock()))

    def _hedge_after(self, lanes: Sequence[Lane], now: float) -> float | None:
        """Seconds after which the second lane starts; None where it may not."""
        self._hedges = paid_in(self._hedges)
        if self._hedges.tokens < 1.0 or STATES[lanes[1].rank(now, key_refused=False)] != "good":
            return None
        return lanes[0].p95()

    async def _hedged(self, course: Course, delay: float) -> Found:
        """The first two lanes against one another, the second started late; the loser is cancelled and written down."""
        first = asyncio.ensure_future(self._run(course))
        racing = [first]
        try:
            await asyncio.wait(racing, timeout=delay)
            budget = paid_out(self._hedges)
            if not first.done() and budget is not None:
                self._hedges = budget
                racing.append(asyncio.ensure_future(self._run(self._second(course))))
            winner = await first_with_data(racing)
            others = [task for task in racing if task is not winner]
            for other in others:
                other.cancel(LOST)
            if others:
                await asyncio.wait(others)
            racing = others
            winner.result()[0].show()
            return winner.result()
        finally:
            for task in racing:
                task.cancel(LOST)
                task.add_done_callback(let_go)

    def _second(self, course: Course) -> Course:
        """The course of the late starter: one try on the second lane, which the first leaves to it."""
        other = course.lanes[1]
        course.tried[other] = None
        count("upstream_hedges", other.provider)
        return replace(course, lanes=[other], tried={}, tries=MAX_TRIES - 1, error=None)


def _leave(trial: Trial | None, why: str) -> None:
    if trial is not None:
        trial.close(why)


def _same_place(endpoint: Endpoint, signer: Endpoint) -> bool:
    return endpoint.provider.dialect == signer.provider.dialect and endpoint.host == signer.host


def refuses_usage(error: RouterError) -> bool:
    """Whether a provider refused the usage option that we added."""
    said = f"{error.param} {error.message}"
    return error.http_status in (400, 422) and ("stream_options" in said or "include_usage" in said)
