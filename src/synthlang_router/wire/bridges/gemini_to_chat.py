"""Gemini answers -> OpenAI chat and embeddings."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderError, ProviderProtocolError, ProviderRejected
from synthlang_router.models import ChatChunk, ChatCompletion, Usage
from synthlang_router.wire.bridges.chat_frames import ChatFrames
from synthlang_router.wire.bridges.translated import objects, part, text_in
from synthlang_router.wire.openai.errors import rejected
from synthlang_router.wire.openai.fold import fold
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain
from synthlang_router.wire.sse import Event
from synthlang_router.wire.stream import StreamReader, read_payload, what_it_is

FINISH: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""Any other reason (a malformed function call, OTHER) is a failure, not an end."""

_STATUS: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_MAX_CANDIDATES: Final = 128
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class GeminiAsChat(StreamReader):
    """A `ChatStream` that reads Gemini's events and hands out OpenAI's frames."""

    __slots__ = ("_calls", "_finished", "_frames", "_images", "_optional", "_usage")

    def __init__(
        self, created: int, *, finish_optional: bool, hide_usage: bool, secrets: Sequence[str]
    ) -> None:
        super().__init__(secrets)
        self._optional = finish_optional
        self._frames = ChatFrames(created, hide_usage=hide_usage)
        self._calls: dict[int, int] = {}  # tool calls so far, by candidate seen
        self._finished: set[int] = set()
        self._images = 0
        self._usage: Usage | None = None

    def _is_whole(self) -> bool:
        return bool(self._calls) and (self._optional or self._finished >= self._calls.keys())

    def _close(self, chunks: list[ChatChunk]) -> None:
        if self._usage is not None:
            chunks.append(self._frames.usage(self._usage))

    def _read_whole(self, raw: bytes, chunks: list[ChatChunk]) -> None:
        self._add(_whole(raw), chunks)

    def _read_event(self, event: Event, chunks: list[ChatChunk]) -> None:
        payload = read_payload(event, _OBJECT)
        if payload is not None:
            self._add(payload[0], chunks)

    def _add(self, plain: Plain, chunks: list[ChatChunk]) -> None:
        refuse(plain, self._secrets)
        self._frames.begin(text_in(plain.get("responseId")), text_in(plain.get("modelVersion")))
        usage = read_usage(plain.get("usageMetadata"))
        self._usage = self._usage if usage is None else usage
        for candidate in objects(plain.get("candidates")):
            self._add_candidate(candidate, text_in(plain.get("responseId")), chunks)

    def _add_candidate(self, candidate: Plain, answer_id: str, chunks: list[ChatChunk]) -> None:
        index = candidate.get("index", 0)
        if type(index) is not int or not 0 <= index < _MAX_CANDIDATES:
            raise ProviderProtocolError("The provider sent a chunk that is not one.")
        if index not in self._calls:
            self._calls[index] = 0
            chunks.append(
                self._frames.frame({"role": "assistant", "content": "", "refusal": None}, None, index)
            )
        for piece in objects(part(candidate, "content").get("parts")):
            delta = self._delta(piece, index, answer_id)
            if delta:
                chunks.append(self._frames.frame(delta, None, index))
        reason = candidate.get("finishReason")
        if type(reason) is str and reason != "FINISH_REASON_UNSPECIFIED":
            self._finished.add(index)
            chunks.append(self._frames.frame({}, self._finish_reason(reason, index), index))

    def _finish_reason(self, reason: str, index: int) -> str:
        finish = FINISH.get(reason)
        if finish is None:
            raise ProviderError(f"The provider ended the answer with {reason[:64]}.")
        return "tool_calls" if finish == "stop" and self._calls[index] else finish

    def _delta(self, piece: Plain, index: int, answer_id: str) -> Plain:
        signature = piece.get("thoughtSignature")
        extra: Plain = (
            {} if signature is None else {"extra_content": {"google": {"thought_signature": signature}}}
        )
        call = part(piece, "functionCall")
        if call:
            order = self._calls[index]
            self._calls[index] += 1
            arguments = encode_plain(part(call, "args")).decode()
            call_id = text_in(call.get("id")) or f"call_{answer_id}_{index}_{order}"
            function = {"name": call.get("name"), "arguments": arguments}
            return {
                "tool_calls": [
                    {"index": order, "id": call_id, "type": "function", "function": function, **extra}
                ]
            }
        text = text_in(piece.get("text"))
        if text and piece.get("thought") is True:
            return {"reasoning_content": text, **extra}
        inline = part(piece, "inlineData")
        if inline:
            url = f"data:{text_in(inline.get('mimeType'))};base64,{text_in(inline.get('data'))}"
            self._images += 1
            image = {"index": self._images - 1, "type": "image_url", "image_url": {"url": url}}
            return {"images": [image], **extra}
        return {"content": text, **extra} if text else extra


def refuse(plain: Plain, secrets: Sequence[str]) -> None:
    """Raise what this body says in place of an answer: an error, or a blocked prompt."""
    error = plain.get("error")
    if error:
        raise refusal(error, secrets)
    reason = part(plain, "promptFeedback").get("blockReason")
    if reason and not plain.get("candidates"):
        message = f"The provider blocked the prompt ({str(reason)[:64]})."
        raise ProviderRejected(message, status=400, type="invalid_request_error", code="content_filter")


def refusal(error: Any, secrets: Sequence[str]) -> ProviderRejected:
    """Google's error object: a number, a message and a status in words."""
    plain = error if type(error) is dict else {"message": text_in(error)}
    words, code = text_in(plain.get("status")), plain.get("code")
    status = code if type(code) is int and 400 <= code <= 599 else _STATUS.get(words, 502)
    found = {"message": plain.get("message"), "code": words.lower() or None}
    return rejected(found, status=status, secrets=secrets)


def read_usage(usage: Any) -> Usage | None:
    """Tokens as counted; Gemini counts thoughts beside the answer, ours are part of it."""
    if type(usage) is not dict:
        return None

    def count(name: str) -> int:
        value = usage.get(name)
        return value if type(value) is int and value > 0 else 0

    thoughts = count("thoughtsTokenCount")
    return Usage(
        prompt_tokens=count("promptTokenCount") + count("toolUsePromptTokenCount"),
        completion_tokens=count("candidatesTokenCount") + thoughts,
        cached_tokens=count("cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def _whole(raw: bytes) -> Plain:
    try:
        raw.decode()
        plain = _OBJECT.decode(raw[1:-1] if raw.startswith(b"[") and raw.endswith(b"]") else raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderProtocolError(what_it_is(raw)) from None
    return plain


def gemini_as_completion(raw: bytes, created: int, *, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole answer, however it came: the frames it would have had, folded."""
    stream = GeminiAsChat(created, finish_optional=False, hide_usage=False, secrets=secrets)
    chunks = stream.feed(raw)
    return fold(chunks + stream.end())


def gemini_as_embedding(
    raw: bytes, model: str, *, packed: bool, secrets: Sequence[str] = ()
) -> ChatCompletion:
    """`batchEmbedContents`' answer as OpenAI's; `packed` is OpenAI's base64 form. Gemini counts no tokens here."""
    plain = _whole(raw)
    refuse(plain, secrets)
    found = objects(plain.get("embeddings"))
    if not found:
        raise ProviderProtocolError("The provider sent an embeddings answer without data.")
    data: list[Plain] = []
    for index, one in enumerate(found):
        values = one.get("values")
        try:
            vector: Any = array("f", values if type(values) is list else ())
        except (TypeError, OverflowError):
            raise ProviderProtocolError("The provider sent a vector that is not one.") from None
        shown = base64.b64encode(vector.tobytes()).decode() if packed else values
        data.append({"object": "embedding", "index": index, "embedding": shown})
    body = {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 0, "total_tokens": 0}}
    return ChatCompletion(raw=encode_plain(body), model=model)


def error_of_gemini(
    status: int, body: bytes, *, secrets: Sequence[str] = (), retry_after: float | None = None
) -> ProviderRejected | None:
    """Google's refusal with its status in words as the code; None where the body is none of Google's."""
    try:
        plain = decode_plain(body[1:-1] if body.startswith(b"[") else body)
    except ProviderProtocolError:
        return None
    error = plain.get("error")
    if type(error) is not dict:
        return None
    found = refusal(error, secrets)
    found.http_status, found.retry_after = status, retry_after
    return found
