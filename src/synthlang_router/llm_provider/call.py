"""`Call`: one request to one provider, from the first byte sent to the last one read.

Nothing of it is shown before its first data: until then the caller of `begin` may give it up and try elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from synthlang_router.answer import Batch, Deliver, Item
from synthlang_router.errors import (
    InvalidRequest,
    ProviderError,
    ProviderProtocolError,
    ProviderTimeout,
)
from synthlang_router.llm_provider.failures import judged
from synthlang_router.llm_provider.passing import passed
from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.llm_provider.refusal import refusal_of
from synthlang_router.llm_provider.told import passed_on, resets_in
from synthlang_router.llm_provider.transport import (
    MAX_BODY,
    Pushing,
    Timeouts,
    UpstreamRequest,
    UpstreamResponse,
    Useless,
)
from synthlang_router.models import ChatChunk, ChatRequest, Wishes
from synthlang_router.wire import DIALECTS, ChatStream
from synthlang_router.wire.bridges import Interpreter, interpret
from synthlang_router.wire.format import AnswerFormat
from synthlang_router.wire.passage import PASSAGES, PassedStream

MAX_HELD: Final = 1_000_000
"""Bytes of frames without data that are held back before the first data; more is no answer."""

OFF_THE_LOOP: Final = 1_000_000
"""Requests over so many bytes are translated in a worker thread."""

_OPENAI: Final = DIALECTS["openai"]
_NO_WISHES: Final = Wishes()


class Call:
    """`sent = await call.prepare()`, `first = await call.begin(sent)`, then `next` until None, then `close()`.

    `close` may come any time.
    """

    __slots__ = (
        "_asked",
        "_clock",
        "_deadline",
        "_ended",
        "_endpoint",
        "_hidden",
        "_model",
        "_request",
        "_response",
        "_stream",
        "_timeouts",
        "_wire",
        "_wishes",
        "dropped",
        "media",
        "resets_in",
        "told",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        request: ChatRequest,
        wishes: Wishes,
        timeouts: Timeouts,
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._model = model
        self._request = request
        self._deadline = deadline
        self._clock = clock
        self._wishes = wishes
        self._ended = False
        self._asked = False
        self._hidden = False
        self._wire: AnswerFormat = _OPENAI
        self.dropped: tuple[str, ...] = ()
        self._response: UpstreamResponse | None = None
        self._stream: ChatStream | None = None
        self.told: tuple[tuple[str, str], ...] = ()
        self.resets_in: float | None = None
        self.media: str | None = None

    @property
    def asked_for_usage(self) -> bool:
        """Whether we added a usage option that the caller had not."""
        return self._asked

    @property
    def repeatable(self) -> bool:
        """Whether the same request can be sent once more: not one whose body went by."""
        upload = self._request.upload
        return upload is None or not upload.begun

    @property
    def status(self) -> int:
        """Of the response, 0 before there is one."""
        return 0 if self._response is None else self._response.status

    async def prepare(self, wall: float, *, ask_for_usage: bool) -> UpstreamRequest:
        """In the provider's words; `wall` is seconds since the epoch. Raises InvalidRequest where there are none."""
        if self._endpoint.relays_chat and self._request.kind == "chat":
            return self._relayed(self._request, ask_for_usage)
        if self._request.kind in PASSAGES:
            request = self._of_model(self._request)
            return passed(self._endpoint, self._model, request, self._wishes, self._timeouts, self._deadline)
        return await self._interpreted(int(wall), ask_for_usage)

    async def begin(self, sent: UpstreamRequest, began: float, wall: float) -> Batch:
        """Send what was prepared, and wait for the first data: everything up to and with it, or the whole answer.

        `began` is now on the monotonic clock.
        """
        response = self._response = await self._endpoint.provider.transport.send(sent)
        self.told = passed_on(response.headers)
        if response.status == 429:
            self.resets_in = resets_in(response.headers)
        if response.status >= 400:
            raise await refusal_of(response, self._wire, self._endpoint, wall)
        kind = response.headers.get("content-type", "").lower()
        if self._request.kind in PASSAGES:
            self.media = kind
            stream: ChatStream = PassedStream(kind)
        elif self._is_stream(kind):
            stream = self._reader()
        else:
            return await self._whole(response)
        self._stream = stream
        return await self._first_data(response, stream, began + self._timeouts.first_token)

    async def next(self) -> Batch | None:
        """The chunks of one read; None after the last. A cut stream raises, however much of it came."""
        if self._stream is None or self._response is None:
            return None
        return await self._read(self._response, self._stream)

    async def relay(self, deliver: Deliver) -> None:
        """Hand the chunks over as they come, for as long as `deliver` wants more and the transport can; then `next`."""
        response, stream = self._response, self._stream
        if stream is None or self._ended or stream.done or stream.failed or not isinstance(response, Pushing):
            return

        def sink(block: bytes) -> bool:
            chunks = stream.feed(block)
            return (not chunks or deliver(chunks)) and not stream.done and not stream.failed

        try:
            await response.relay(sink)
        except ProviderError as error:
            raise judged(error, self._endpoint.provider.name) from None

    def close(self) -> None:
        """Let go of the connection: for reuse after a whole answer, else the provider is told to stop at once."""
        if self._response is not None:
            self._response.close(whole=self._stream is not None and self._stream.done)

    def _relayed(self, request: ChatRequest, ask_for_usage: bool) -> UpstreamRequest:
        """A chat request to a provider that speaks as the caller does."""
        request = self._of_model(request)
        if ask_for_usage and request.stream:
            asked = _OPENAI.ask_for_usage(request)
            self._asked = self._hidden = asked is not None
            request = request if asked is None else asked
        return self._built(request, self._wishes)

    async def _interpreted(self, created: int, ask_for_usage: bool) -> UpstreamRequest:
        """A request that needs to be translated, or one of another kind. Raises InvalidRequest where it can not go."""
        request = self._of_model(self._request)
        if len(request.body) > OFF_THE_LOOP:
            voice = await asyncio.to_thread(self._voice, request, created)
        else:
            voice = self._voice(request, created)
        self._wire, self.dropped = voice, voice.dropped
        if voice.dropped and self._wishes.strict:
            raise InvalidRequest(
                f"The provider of this model does not take: {', '.join(voice.dropped)}.",
                param=voice.dropped[0],
                code="unsupported_parameter",
            )
        sent = voice.request
        if sent is request:
            return self._built(sent, self._wishes)
        if sent.dialect == "openai" and "stream_options" in sent.fields:
            self._asked = ask_for_usage
            sent = sent if ask_for_usage else sent.with_fields({}, dropped=("stream_options",))
        self._hidden = request.kind == "chat" and not _wants_usage(request)
        return self._built(sent, _NO_WISHES)

    def _voice(self, request: ChatRequest, created: int) -> Interpreter:
        endpoint = self._endpoint
        return interpret(
            request,
            endpoint.provider.dialect,
            created=created,
            serves_responses=endpoint.serves_responses,
        )

    def _of_model(self, request: ChatRequest) -> ChatRequest:
        if request.model == self._model:
            return request
        return request.with_fields({"model": msgspec.json.encode(self._model)})

    def _built(self, request: ChatRequest, wishes: Wishes) -> UpstreamRequest:
        endpoint = self._endpoint
        if endpoint.adapts:
            request = endpoint.difference.adapted(request)
        url, headers = endpoint.address(request.kind, wishes, stream=request.stream, model=self._model)
        return UpstreamRequest(
            method="POST",
            url=url,
            headers=headers,
            body=request.body,
            timeouts=self._timeouts,
            deadline=self._deadline,
            max_body=None if request.stream else MAX_BODY,
        )

    def _is_stream(self, kind: str) -> bool:
        """Some answer a streamed question whole and the reverse: the type decides, the question where it is silent."""
        if "event-stream" in kind:
            return True
        return self._request.stream and "json" not in kind and "html" not in kind

    async def _whole(self, response: UpstreamResponse) -> Batch:
        first = await response.read()
        rest = bytearray()
        while block := await response.read():
            rest += block
            if len(rest) > MAX_BODY:
                raise Useless("The provider's answer is too large.")
        wire, secrets = self._wire, self._endpoint.secrets
        read = wire.read_embedding if self._request.kind == "embeddings" else wire.read_completion
        try:
            return (read(first + rest if rest else first, secrets=secrets),)
        except ProviderError as error:
            raise judged(error, self._endpoint.provider.name) from None

    def _reader(self) -> ChatStream:
        return self._wire.read_stream(
            finish_optional=self._endpoint.provider.finish_optional is True,
            hide_usage=self._hidden,
            secrets=self._endpoint.secrets,
        )

    async def _first_data(self, response: UpstreamResponse, stream: ChatStream, due: float) -> Batch:
        held: list[Item] = []
        size = 0
        while (batch := await self._read(response, stream)) is not None:
            held += batch
            if _has_data(batch):
                return held
            size += sum(len(item.raw) for item in batch)
            if size > MAX_HELD:
                raise ProviderProtocolError("The provider's stream brings no data.")
            if self._clock() > due:
                raise ProviderTimeout("first_token", self._timeouts.first_token)
        return held

    async def _read(self, response: UpstreamResponse, stream: ChatStream) -> Sequence[ChatChunk] | None:
        """The chunks that came together, maybe none; None at the end of a whole answer."""
        if self._ended or stream.done:
            return None
        block = b"" if stream.failed else await response.read()
        try:
            if block:
                return stream.feed(block)
            self._ended = True
            return stream.end()
        except ProviderError as error:
            raise judged(error, self._endpoint.provider.name) from None


def _has_data(batch: Batch) -> bool:
    return any(item.data for item in batch if isinstance(item, ChatChunk))


def _wants_usage(request: ChatRequest) -> bool:
    options = request.value("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
