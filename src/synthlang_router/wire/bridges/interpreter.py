"""`interpret`: a request as a provider wants it, and that provider's answers as the caller wants them.

    voice = interpret(request, "anthropic", created=int(now))
    voice.request       what to send, in the provider's dialect and kind;  voice.dropped  what it could not take
    voice.read_stream(...), voice.read_completion(...), voice.read_error(...)    answers in the caller's dialect

Same dialect and kind: the request itself and the dialect's own readers, nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from synthlang_router.errors import InvalidRequest, RouterError
from synthlang_router.models import ChatCompletion, ChatRequest, Dialect
from synthlang_router.wire import anthropic, openai
from synthlang_router.wire.bridges.anthropic_to_chat import (
    AnthropicAsChat,
    error_as_chat,
    message_as_completion,
)
from synthlang_router.wire.bridges.chat_to_anthropic import to_anthropic
from synthlang_router.wire.bridges.chat_to_gemini import embeddings_to_gemini, to_gemini
from synthlang_router.wire.bridges.chat_to_messages import ChatAsMessages, message_of
from synthlang_router.wire.bridges.chat_to_responses import ChatAsResponses, response_of
from synthlang_router.wire.bridges.gemini_to_chat import (
    GeminiAsChat,
    error_of_gemini,
    gemini_as_completion,
    gemini_as_embedding,
)
from synthlang_router.wire.bridges.messages_to_chat import messages_to_chat
from synthlang_router.wire.bridges.responses_to_chat import responses_to_chat
from synthlang_router.wire.bridges.translated import Translated
from synthlang_router.wire.format import ChatStream
from synthlang_router.wire.openai.responses import ResponsesStream, parse_response

_DIRECT: Final = frozenset(
    {
        ("openai", "chat", "openai"),
        ("openai", "completions", "openai"),
        ("openai", "embeddings", "openai"),
        ("openai", "responses", "openai"),
        ("anthropic", "messages", "anthropic"),
        ("anthropic", "count_tokens", "anthropic"),
    }
)
_TO_CHAT: Final[Mapping[str, Callable[[ChatRequest], Translated]]] = {
    "messages": messages_to_chat,
    "responses": responses_to_chat,
}
_FROM_CHAT: Final[Mapping[str, Callable[[ChatRequest], Translated]]] = {
    "anthropic": to_anthropic,
    "gemini": to_gemini,
}


class Interpreter:
    """One request between two dialects; made by `interpret`, reads the answers of any number of tries."""

    __slots__ = ("_asked", "_created", "_provider", "dropped", "request")

    def __init__(
        self,
        asked: ChatRequest,
        request: ChatRequest,
        dropped: tuple[str, ...],
        provider: Dialect,
        created: int,
    ) -> None:
        self.request = request
        self.dropped = dropped
        self._asked = asked
        self._provider: Dialect = provider
        self._created = created

    def read_completion(self, raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
        """A whole answer in the caller's dialect."""
        if self.request is self._asked:
            return self._read_own(raw, secrets)
        answer = self._read_chat(raw, secrets)
        if self._asked.kind == "messages":
            return message_of(answer)
        return response_of(answer, self._asked) if self._asked.kind == "responses" else answer

    def _read_own(self, raw: bytes, secrets: Sequence[str]) -> ChatCompletion:
        if self._asked.kind == "responses":
            return parse_response(raw, secrets)
        if self._asked.kind == "count_tokens":
            anthropic.read_count(raw)
            return ChatCompletion(raw=raw, dialect="anthropic")
        read = anthropic.read_completion if self._provider == "anthropic" else openai.read_completion
        return read(raw, secrets=secrets)

    def _read_chat(self, raw: bytes, secrets: Sequence[str]) -> ChatCompletion:
        if self._provider == "anthropic":
            return message_as_completion(raw, self._created, secrets=secrets)
        if self._provider == "gemini":
            return gemini_as_completion(raw, self._created, secrets=secrets)
        return openai.read_completion(raw, secrets=secrets)

    def read_embedding(self, raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
        """An embeddings answer in OpenAI's form."""
        if self._provider != "gemini":
            return openai.read_embedding(raw, secrets=secrets)
        packed = self._asked.value("encoding_format") == "base64"
        return gemini_as_embedding(raw, self._asked.model, packed=packed, secrets=secrets)

    def read_stream(
        self, *, finish_optional: bool = False, hide_usage: bool = False, secrets: Sequence[str] = ()
    ) -> ChatStream:
        """A reader for one stream. `hide_usage`: the caller did not ask for it."""
        if self.request is self._asked and self._asked.kind == "responses":
            return ResponsesStream(secrets)
        if self._asked.kind == "messages" and self._provider == "anthropic":
            return anthropic.read_stream(finish_optional=finish_optional, secrets=secrets)
        source = self._chat_stream(finish_optional, hide_usage, secrets)
        if self._asked.kind == "messages":
            return ChatAsMessages(source)
        return ChatAsResponses(source, self._asked) if self._asked.kind == "responses" else source

    def _chat_stream(self, finish_optional: bool, hide_usage: bool, secrets: Sequence[str]) -> ChatStream:
        if self._provider == "openai":
            return openai.read_stream(finish_optional=finish_optional, hide_usage=hide_usage, secrets=secrets)
        reader = AnthropicAsChat if self._provider == "anthropic" else GeminiAsChat
        return reader(self._created, finish_optional=finish_optional, hide_usage=hide_usage, secrets=secrets)

    def read_error(
        self, status: int, body: bytes, *, secrets: Sequence[str] = (), retry_after: float | None = None
    ) -> RouterError:
        """What an answer with a status other than 2xx means to the caller."""
        found: RouterError | None = None
        if self._provider == "gemini" and status >= 400:
            found = error_of_gemini(status, body, secrets=secrets, retry_after=retry_after)
        if found is not None:
            return found
        own = self._provider == "anthropic" and self._asked.dialect != "anthropic"
        reader = error_as_chat if own else openai.read_error
        return reader(status, body, secrets=secrets, retry_after=retry_after)


def as_chat(request: ChatRequest) -> ChatRequest:
    """A request of any kind that can go over chat, as chat; what chat cannot take is left out."""
    step = _TO_CHAT.get("messages" if request.dialect == "anthropic" else request.kind)
    return request if step is None else step(request).request


def interpret(
    request: ChatRequest, provider: Dialect, *, created: int, serves_responses: bool = True
) -> Interpreter:
    """The interpreter of `request` for a provider that speaks `provider`; `created` is seconds since the epoch.

    Raises InvalidRequest where the provider has nothing of the kind, or the request holds what it cannot take.
    """
    route = (request.dialect, request.kind, provider)
    if route in _DIRECT and (request.kind != "responses" or serves_responses):
        return Interpreter(request, request, (), provider, created)
    if request.kind == "embeddings" and provider == "gemini":
        done = embeddings_to_gemini(request)
        return Interpreter(request, done.request, done.dropped, provider, created)
    if request.kind != "chat" and request.kind not in _TO_CHAT:
        raise InvalidRequest("This model's provider does not serve this kind of request.")
    steps = [step for step in (_TO_CHAT.get(request.kind), _FROM_CHAT.get(provider)) if step is not None]
    sent, dropped = request, dict[str, None]()
    for step in steps:
        done = step(sent)
        sent = done.request
        dropped |= dict.fromkeys(done.dropped)
    return Interpreter(request, sent, tuple(dropped), provider, created)
