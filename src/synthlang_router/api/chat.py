"""`POST /v1/chat/completions` (and embeddings, by the same steps): verify, read, answer, send.

One of the two places that know whether a request is streamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from synthlang_router.answer import Answer, Item
from synthlang_router.api.errors import error_response, foreseen
from synthlang_router.api.exchange import Exchange
from synthlang_router.api.headers import Headers, read_request_id, read_wishes, render_facts
from synthlang_router.api.intake import HungUp, Intake
from synthlang_router.api.meter import RequestMeter
from synthlang_router.api.stream import EventStream, openai_frames
from synthlang_router.ending import SHUTDOWN
from synthlang_router.errors import ClientTimeout, InvalidRequest, Overloaded, RequestTooLarge, RouterError
from synthlang_router.models import Caller, ChatChunk, ChatCompletion, ChatRequest, Facts, Wishes
from synthlang_router.telemetry import count
from synthlang_router.wire import DIALECTS

OFF_THE_LOOP: Final = 1_000_000
"""Bodies over this many bytes are checked in a worker thread."""


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
    """One hot path. `kind` is the request's kind in `wire`; `new_facts` makes the notebook of a request."""

    def __init__(
        self,
        *,
        kind: str,
        pipeline: Pipeline,
        verify_api_key: Callable[[Headers], Caller],
        intake: Intake,
        wishes: Callable[[], Wishes],
        new_facts: Callable[[str | None, str], Facts],
        record: Record,
        meter: RequestMeter,
        clock: Callable[[], float],
        commit_after: float,
    ) -> None:
        self.kind = kind
        self.pipeline = pipeline
        self.verify_api_key = verify_api_key
        self.intake = intake
        self.wishes = wishes
        self.new_facts = new_facts
        self.record = record
        self.meter = meter
        self.clock = clock
        self.commit_after = commit_after

    async def __call__(self, exchange: Exchange) -> None:
        facts = self.new_facts(read_request_id(exchange.headers), exchange.path)
        stream = EventStream(exchange, partial(self._stream_headers, facts), self.commit_after)
        try:
            await self._serve(exchange, facts, stream)
        except HungUp:
            return
        except asyncio.CancelledError as cancel:
            if cancel.args != (SHUTDOWN,):
                raise
            await self._fail(Overloaded("The gateway is shutting down."), facts, exchange, stream)
        except Exception as error:  # noqa: BLE001 - the last guard: the client gets an error in our words, never a cut
            await self._fail(foreseen(error, self.kind), facts, exchange, stream)
        finally:
            self.meter.observe(self.kind, facts, self.clock())

    async def _serve(self, exchange: Exchange, facts: Facts, stream: EventStream) -> None:
        caller = self.verify_api_key(exchange.headers)
        self.intake.admit()
        held = 0
        try:
            body = await self.intake.read(exchange.headers, exchange.receive)
            held = len(body)
            wishes = read_wishes(exchange.headers, exchange.query, caller, self.wishes())
            facts.tags = caller.tags + wishes.tags
            request = await self._parse(body, exchange.headers)
            with exchange.watched():
                async with await self.pipeline.answer(caller, request, wishes, facts) as answer:
                    await self._deliver(answer, request, facts, exchange, stream)
        finally:
            self.intake.leave(held)

    async def _deliver(
        self, answer: Answer, request: ChatRequest, facts: Facts, exchange: Exchange, stream: EventStream
    ) -> None:
        try:
            if request.stream:
                await stream.relay(
                    answer, partial(self._frames, request, facts), b"data: [DONE]\n\n", self.record.settled
                )
                facts.status = 200
            else:
                await self._send_whole(answer, facts, exchange)
        except BaseException:
            if (
                answer.ending is not None
                and answer.ending.paid is not None
                and answer.ending.paid.kind == "complete"
            ):
                self.record.undelivered(
                    facts
                )  # the row says complete, and it is; but the last byte did not arrive
            raise

    async def _parse(self, body: bytes, headers: Headers) -> ChatRequest:
        if len(body) > OFF_THE_LOOP:
            return await asyncio.to_thread(self._parse_now, body, headers)
        return self._parse_now(body, headers)

    def _parse_now(self, body: bytes, headers: Headers) -> ChatRequest:
        plain = self.intake.plain(body, headers)
        request = DIALECTS["openai"].read_request(plain, self.kind)
        if request.stream and self.kind == "embeddings":
            raise InvalidRequest("Embeddings cannot be streamed.", param="stream")
        return request

    async def _send_whole(self, answer: Answer, facts: Facts, exchange: Exchange) -> None:
        await answer.open()
        async for _ in answer:
            pass
        await self.record.settled()
        completion = answer.gathered.completion()
        body = b"" if completion is None else self._whole(answer, completion, facts)
        facts.status = 200
        headers = [(b"content-type", b"application/json"), *render_facts(facts, self.clock())]
        await exchange.respond(200, headers, body)

    def _whole(self, answer: Answer, completion: ChatCompletion, facts: Facts) -> bytes:
        if not answer.replayed:
            return completion.raw
        return DIALECTS[answer.dialect].refresh(
            completion, new_id=f"chatcmpl-{facts.row_id}", created=int(facts.arrived)
        )

    def _frames(self, request: ChatRequest, facts: Facts, items: Sequence[Item]) -> bytes:
        chunks: list[ChatChunk] = []
        for item in items:
            if isinstance(item, ChatChunk):
                chunks.append(item)
            else:
                chunks += self._unfolded(item, request, facts)
        return openai_frames(chunks)

    def _unfolded(self, completion: ChatCompletion, request: ChatRequest, facts: Facts) -> list[ChatChunk]:
        options = request.value("stream_options")
        return DIALECTS[completion.dialect].unfold(
            completion,
            new_id=f"chatcmpl-{facts.row_id}",
            created=int(facts.arrived),
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        )

    def _stream_headers(self, facts: Facts) -> Headers:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
        return headers + render_facts(facts, self.clock())

    async def _fail(self, error: RouterError, facts: Facts, exchange: Exchange, stream: EventStream) -> None:
        count("errors", error.error_code or error.error_type)
        facts.status = error.http_status
        if stream.committed:
            exchange.close_after()
            await stream.fail(DIALECTS["openai"].error_event(error))
            return
        status, headers, body = error_response(error, "openai", facts, self.clock())
        if isinstance(error, ClientTimeout | RequestTooLarge):  # a provider's 408 and 413 are no matter of ours
            exchange.close_after()
        await exchange.respond(status, headers, body)
