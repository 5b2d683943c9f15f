"""`POST /v1/chat/completions`, and by the same steps every other kind of `manners`: verify, read, answer, send.

One of the two places that know whether a request is streamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from synthlang_router.answer import Answer, Item
from synthlang_router.api.cost_frames import CostFrames, usage_frame
from synthlang_router.api.errors import error_response, foreseen
from synthlang_router.api.exchange import Exchange
from synthlang_router.api.hangup import HangUpWatch
from synthlang_router.api.headers import Headers, render_facts
from synthlang_router.api.intake import HungUp, Intake
from synthlang_router.api.manners import MANNERS, spoken_headers
from synthlang_router.api.meter import RequestMeter
from synthlang_router.api.stream import EventStream, Frames
from synthlang_router.ending import SHUTDOWN
from synthlang_router.errors import ClientTimeout, InvalidRequest, Overloaded, RequestTooLarge, RouterError
from synthlang_router.models import Caller, ChatChunk, ChatCompletion, ChatRequest, Facts, Wishes
from synthlang_router.telemetry import count
from synthlang_router.wire import DIALECTS

OFF_THE_LOOP: Final = 1_000_000
"""Bodies over this many bytes, and compressed ones, are checked in a worker thread."""


class Pipeline(Protocol):
    async def answer(self, caller: Caller, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer: ...


class Record(Protocol):
    """What the edge tells the record."""

    def undelivered(self, facts: Facts) -> None:
        """The last byte did not reach the client."""
        ...

    async def settled(self) -> None:
        """Wait until what was saved is as safe as the settings ask; called before every last byte."""
        ...


class ChatResource:
    """One hot path. `kind` is the request's kind in `wire`; `new_facts` makes the notebook of a request.

    `verify_api_key` finds the caller of a head, `still_holds` says whether one it found before still has that key.
    """

    def __init__(
        self,
        *,
        kind: str,
        pipeline: Pipeline,
        verify_api_key: Callable[[Headers], Caller],
        still_holds: Callable[[Caller], bool],
        intake: Intake,
        wishes: Callable[[], Wishes],
        new_facts: Callable[[str | None, str], Facts],
        record: Record,
        meter: RequestMeter,
        clock: Callable[[], float],
        commit_after: float,
    ) -> None:
        self.kind = kind
        self.manner = MANNERS[kind]
        self.pipeline = pipeline
        self._format = DIALECTS[self.manner.dialect]
        self._speaks = self.manner.dialect != "openai"
        self.verify_api_key = verify_api_key
        self.still_holds = still_holds
        self.intake = intake
        self.wishes = wishes
        self.new_facts = new_facts
        self.record = record
        self.meter = meter
        self.clock = clock
        self.commit_after = commit_after

    async def __call__(self, exchange: Exchange) -> None:
        head = exchange.head
        facts = self.new_facts(head.request_id, head.path)
        try:
            await self._serve(exchange, facts)
        except HungUp:
            return
        except asyncio.CancelledError as cancel:
            if cancel.args != (SHUTDOWN,):
                raise
            await self._fail(Overloaded("The gateway is shutting down."), facts, exchange)
        except Exception as error:  # noqa: BLE001 - the last guard: the client gets an error in our words, never a cut
            await self._fail(foreseen(error, self.kind), facts, exchange)
        finally:
            self.meter.observe(self.kind, facts, self.clock())

    async def _serve(self, exchange: Exchange, facts: Facts) -> None:
        head = exchange.head
        caller = head.caller(self.verify_api_key, self.still_holds)
        self.intake.admit()
        held = 0
        try:
            body = exchange.whole()
            if body is None:
                body = await self.intake.read(head.headers, exchange.receive)
            else:
                self.intake.take(body)
            held = len(body)
            wishes = head.wishes(caller, self.wishes())
            facts.tags = wishes.tags
            if head.encoding or held > OFF_THE_LOOP:
                request = await asyncio.to_thread(self._parse, body, head.encoding)
                self.intake.hold(len(request.body) - held)  # what a small body was inflated to
                held = len(request.body)
            else:
                request = self._parse(body, "")
            if exchange.tells_hang_ups:
                await self._answer(caller, request, wishes, facts, exchange)
            else:
                with HangUpWatch(exchange.receive):
                    await self._answer(caller, request, wishes, facts, exchange)
        finally:
            self.intake.leave(held)

    async def _answer(
        self, caller: Caller, request: ChatRequest, wishes: Wishes, facts: Facts, exchange: Exchange
    ) -> None:
        async with await self.pipeline.answer(caller, request, wishes, facts) as answer:
            try:
                await self._send(answer, request, wishes, facts, exchange)
            except BaseException:
                if answer.ending is not None and answer.ending.is_paid_whole:
                    self.record.undelivered(
                        facts
                    )  # the row says complete, and it is; its last byte did not arrive
                raise

    async def _send(
        self, answer: Answer, request: ChatRequest, wishes: Wishes, facts: Facts, exchange: Exchange
    ) -> None:
        if request.stream:
            await self._send_stream(answer, request, wishes, facts, exchange)
        else:
            await self._send_whole(answer, facts, exchange)

    def _parse(self, body: bytes, encoding: str) -> ChatRequest:
        plain = self.intake.plain(body, encoding) if encoding else body
        request = self._format.read_request(plain, self.kind)
        if request.stream and not self.manner.streams:
            raise InvalidRequest("This kind of answer cannot be streamed.", param="stream")
        return request

    async def _send_whole(self, answer: Answer, facts: Facts, exchange: Exchange) -> None:
        completion = await answer.whole()
        await self.record.settled()
        body = b"" if completion is None else self._whole(answer, completion, facts)
        facts.status = 200
        headers = [(b"content-type", b"application/json"), *self._told(facts)]
        await exchange.respond(200, headers, body)

    async def _send_stream(
        self, answer: Answer, request: ChatRequest, wishes: Wishes, facts: Facts, exchange: Exchange
    ) -> None:
        frames = self._writer(wishes, facts)
        stream = EventStream(
            exchange, partial(self._stream_headers, facts), self.commit_after, self.manner.keep_alive
        )
        await stream.relay(
            answer, partial(self._frames, request, wishes, facts, frames), frames.end, self.record.settled
        )
        facts.status = 200

    def _whole(self, answer: Answer, completion: ChatCompletion, facts: Facts) -> bytes:
        if not answer.replayed:
            return completion.raw
        return DIALECTS[answer.dialect].refresh(
            completion, new_id=self.manner.ids + facts.row_id, created=int(facts.arrived)
        )

    def _writer(self, wishes: Wishes, facts: Facts) -> Frames:
        frames = self.manner.frames()
        if not wishes.cost_in_body:
            return frames
        tail = partial(usage_frame, facts, self.manner.ids + facts.row_id) if self.kind == "chat" else None
        return CostFrames(frames, facts, tail)

    def _frames(
        self, request: ChatRequest, wishes: Wishes, facts: Facts, frames: Frames, items: Sequence[Item]
    ) -> bytes:
        chunks: list[ChatChunk] = []
        for item in items:
            if isinstance(item, ChatChunk):
                chunks.append(item)
            else:
                chunks += self._unfolded(item, request, wishes, facts)
        return frames.write(chunks)

    def _unfolded(
        self, completion: ChatCompletion, request: ChatRequest, wishes: Wishes, facts: Facts
    ) -> list[ChatChunk]:
        options = request.value("stream_options")
        asked = isinstance(options, dict) and options.get("include_usage") is True
        return DIALECTS[completion.dialect].unfold(
            completion,
            new_id=self.manner.ids + facts.row_id,
            created=int(facts.arrived),
            include_usage=asked or wishes.cost_in_body,
        )

    def _stream_headers(self, facts: Facts) -> Headers:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
        return headers + self._told(facts)

    def _told(self, facts: Facts) -> Headers:
        headers = render_facts(facts, self.clock())
        return headers + spoken_headers(self.manner, facts) if self._speaks else headers

    async def _fail(self, error: RouterError, facts: Facts, exchange: Exchange) -> None:
        count("errors", error.error_code or error.error_type)
        facts.status = error.http_status
        if exchange.started:  # a typed error event, and no end that could be taken for a whole answer's
            exchange.close_after()
            await exchange.end(self._format.error_event(error))
            return
        status, headers, body = error_response(error, self.manner.dialect, facts, self.clock())
        headers += spoken_headers(self.manner, facts)
        if isinstance(
            error, ClientTimeout | RequestTooLarge
        ):  # a provider's 408 and 413 are no matter of ours
            exchange.close_after()
        await exchange.respond(status, headers, body)
