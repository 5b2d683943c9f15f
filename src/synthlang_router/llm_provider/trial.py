"""`Trial`: one call on one lane, with the books kept: attempts, load and health, however it ends."""

from __future__ import annotations

from collections.abc import Callable

from synthlang_router.answer import Batch, Deliver
from synthlang_router.errors import InternalError, RouterError
from synthlang_router.llm_provider.call import Call
from synthlang_router.llm_provider.fitting import Fitted
from synthlang_router.llm_provider.lane import Lane
from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.llm_provider.retries import RULES, Failure, classify
from synthlang_router.llm_provider.transport import Timeouts
from synthlang_router.models import Attempt, Facts, Wishes
from synthlang_router.telemetry import count


class Trial:
    """`begin`, then `next` until None, then `close`; `close` may come any time, and gives the lane free."""

    __slots__ = (
        "_answered",
        "_began",
        "_call",
        "_clock",
        "_closed",
        "_dropped",
        "_facts",
        "_open",
        "_slot",
        "endpoint",
        "lane",
    )

    def __init__(
        self,
        lane: Lane,
        endpoint: Endpoint,
        fitted: Fitted,
        wishes: Wishes,
        facts: Facts,
        timeouts: Timeouts,
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        self.lane = lane
        self.endpoint = endpoint
        self._clock = clock
        self._facts = facts
        request, self._dropped = fitted
        self._call = Call(endpoint, lane.model, request, wishes, timeouts, deadline, clock)
        self._answered = False
        self._closed = False
        self._open = False
        self._began = clock()
        self._slot = 0
        lane.in_flight += 1

    def show(self) -> None:
        """This is the trial that the caller hears of."""
        facts, provider = self._facts, self.endpoint.provider
        facts.provider = provider.name
        facts.served_model = self.lane.model
        facts.simulated = provider.simulated
        facts.upstream_headers = self._call.told
        facts.media = self._call.media
        dropped = self._dropped + self._call.dropped
        facts.dropped = tuple(dict.fromkeys(dropped)) if dropped else ()

    async def begin(self, *, ask_for_usage: bool) -> Batch:
        """See `Call.begin`. An error is booked before it is raised; InvalidRequest where nothing could be sent."""
        facts = self._facts
        began = self._began
        wall = facts.arrived + began - facts.started
        sent = await self._call.prepare(wall, ask_for_usage=ask_for_usage)
        self._open_books()
        try:
            batch = await self._call.begin(sent, began, wall)
        except RouterError as error:
            self.show()
            self._failed(error)
            raise
        except Exception:  # raised again: the reader is told, and the attempt is not left without its end
            self._note(self._call.status, InternalError.code)
            raise
        now = self._clock()
        self._answered = True
        self.lane.answered(now - began, now)
        self.show()
        return batch

    def _open_books(self) -> None:
        facts, lane = self._facts, self.lane
        if facts.upstream_sent is None:
            facts.upstream_sent = self._began
        self._slot = len(facts.attempts)
        self._open = True
        since = self._began - facts.started
        facts.attempts.append(Attempt(lane.provider, lane.model, since, since, 0))
        self.show()

    @property
    def asked_for_usage(self) -> bool:
        return self._call.asked_for_usage

    @property
    def repeatable(self) -> bool:
        return self._call.repeatable

    async def next(self) -> Batch | None:
        """See `Call.next`. What comes after the last batch is the end of the books."""
        try:
            batch = await self._call.next()
        except RouterError as error:
            self._failed(error)
            raise
        except Exception:  # raised again: the reader is told, and the attempt is not left without its end
            self._note(self._call.status, InternalError.code)
            raise
        if batch is None:
            self._note(200, None)
        return batch

    async def relay(self, deliver: Deliver) -> None:
        """See `Call.relay`."""
        try:
            await self._call.relay(deliver)
        except RouterError as error:
            self._failed(error)
            raise
        except Exception:  # raised again: the reader is told, and the attempt is not left without its end
            self._note(self._call.status, InternalError.code)
            raise

    def failure(self, error: RouterError) -> Failure:
        return classify(error, self._call.status)

    def close(self, why: str = "cancelled") -> None:
        """Let go of everything; `why` is what is written of a trial that had no end of its own."""
        if self._closed:
            return
        self._closed = True
        self.lane.in_flight -= 1
        self._call.close()
        if self._open:
            if not self._answered:
                now = self._clock()
                self.lane.waited(now - self._began, now)
            self._note(self._call.status, why)

    def _failed(self, error: RouterError) -> None:
        failure = self.failure(error)
        now = self._clock()
        count(f"upstream_{failure}", self.lane.provider)
        if RULES[failure].trips:
            self.lane.broke(now, reached=failure != "down")
        elif self._call.status:
            self.lane.lives(now)
        if failure == "busy":
            self.lane.stay_away(now, self._call.resets_in if error.retry_after is None else error.retry_after)
        self._note(self._call.status or error.http_status, error.error_code or error.error_type)

    def _note(self, status: int, error: str | None) -> None:
        self._open = False
        begun = self._facts.attempts[self._slot]
        self._facts.attempts[self._slot] = Attempt(
            begun.provider, begun.model, begun.started, self._clock() - self._facts.started, status, error
        )
