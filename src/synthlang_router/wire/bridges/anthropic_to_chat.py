"""Anthropic answers -> OpenAI chat: streams, messages, errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from synthlang_router.errors import RouterError
from synthlang_router.models import ChatChunk, ChatCompletion
from synthlang_router.wire.anthropic import read_completion, read_error, read_stream
from synthlang_router.wire.bridges.chat_frames import ChatFrames, completion_of
from synthlang_router.wire.bridges.translated import part, text_in
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain

FORMAT: Final = "anthropic-claude-v1"
"""Marks reasoning details whose signatures only Anthropic's models understand."""


class AnthropicAsChat:
    """A `ChatStream` that reads Anthropic's events and hands out OpenAI's frames."""

    def __init__(
        self, created: int, *, finish_optional: bool, hide_usage: bool, secrets: Sequence[str]
    ) -> None:
        self._source = read_stream(finish_optional=finish_optional, secrets=secrets)
        self._frames = ChatFrames(created, hide_usage=hide_usage)
        self._silent: dict[int, int] = {}  # calls by block, none of whose input came yet
        self._calls: set[int] = set()
        self._citations = 0

    @property
    def done(self) -> bool:
        return self._source.done

    @property
    def failed(self) -> bool:
        return self._source.failed

    def feed(self, block: bytes) -> list[ChatChunk]:
        return self._translate(self._source.feed(block))

    def end(self) -> list[ChatChunk]:
        return self._translate(self._source.end())

    def _translate(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        return [frame for chunk in chunks for frame in self._frames_of(chunk)]

    def _frames_of(self, chunk: ChatChunk) -> list[ChatChunk]:
        if chunk.event == "content_block_delta" and chunk.content:
            return [self._frames.frame({"content": chunk.content})]
        reader = _EVENTS.get(chunk.event or "")
        return [] if reader is None else reader(self, chunk, decode_plain(chunk.raw))

    def _begin(self, chunk: ChatChunk, plain: Plain) -> list[ChatChunk]:
        message = part(plain, "message")
        self._frames.begin(text_in(message.get("id")), text_in(message.get("model")))
        return [self._frames.frame({"role": "assistant", "content": "", "refusal": None})]

    def _open(self, chunk: ChatChunk, plain: Plain) -> list[ChatChunk]:
        block, index = part(plain, "content_block"), plain.get("index", 0)
        if block.get("type") == "redacted_thinking":
            return [self._frames.frame({"reasoning_details": [_encrypted(index, block)]})]
        if chunk.tool_calls and block.get("type") == "tool_use":
            call = chunk.tool_calls[0]
            given = block.get("input")
            arguments = encode_plain(given).decode() if given else ""
            self._calls.add(index)
            if not arguments:
                self._silent[index] = call.index
            function = {"name": call.name, "arguments": arguments}
            calls = [{"index": call.index, "id": call.id, "type": "function", "function": function}]
            return [self._frames.frame({"tool_calls": calls})]
        return []

    def _add(self, chunk: ChatChunk, plain: Plain) -> list[ChatChunk]:
        index, delta = plain.get("index", 0), part(plain, "delta")
        if chunk.reasoning:
            detail = {"type": "reasoning.text", "text": chunk.reasoning, "format": FORMAT, "index": index}
            return [self._frames.frame({"reasoning_content": chunk.reasoning, "reasoning_details": [detail]})]
        if chunk.tool_calls and chunk.tool_calls[0].arguments and index in self._calls:
            self._silent.pop(index, None)
            call = chunk.tool_calls[0]
            piece = {"index": call.index, "function": {"arguments": call.arguments}}
            return [self._frames.frame({"tool_calls": [piece]})]
        if delta.get("type") == "signature_delta":
            signed = {
                "type": "reasoning.text",
                "signature": delta.get("signature"),
                "format": FORMAT,
                "index": index,
            }
            return [self._frames.frame({"reasoning_details": [signed]})]
        if delta.get("type") == "citations_delta":
            return [self._frames.frame({"citations": [self._cited(delta.get("citation"))]})]
        return []

    def _cited(self, citation: Any) -> Plain:
        """Clients put lists together by their items' index."""
        self._citations += 1
        return {"index": self._citations - 1, "citation": citation}

    def _close(self, chunk: ChatChunk, plain: Plain) -> list[ChatChunk]:
        """A call without input is a call with an empty object."""
        order = self._silent.pop(plain.get("index", 0), None)
        if order is None:
            return []
        return [self._frames.frame({"tool_calls": [{"index": order, "function": {"arguments": "{}"}}]})]

    def _end(self, chunk: ChatChunk, plain: Plain) -> list[ChatChunk]:
        frames = [] if chunk.finish_reason is None else [self._frames.frame({}, _finish(chunk.finish_reason))]
        if chunk.usage is not None:
            frames.append(self._frames.usage(chunk.usage))
        return frames


def _finish(reason: str | None) -> str | None:
    """OpenAI's words only; a turn that its maker paused is one that was cut short."""
    return "length" if reason == "pause_turn" else reason


def _encrypted(index: int, block: Plain) -> Plain:
    return {"type": "reasoning.encrypted", "data": block.get("data"), "format": FORMAT, "index": index}


_EVENTS: Final[Mapping[str, Callable[[AnthropicAsChat, ChatChunk, Plain], list[ChatChunk]]]] = {
    "message_start": AnthropicAsChat._begin,
    "content_block_start": AnthropicAsChat._open,
    "content_block_delta": AnthropicAsChat._add,
    "content_block_stop": AnthropicAsChat._close,
    "message_delta": AnthropicAsChat._end,
}


def message_as_completion(raw: bytes, created: int, *, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole message as a chat completion."""
    answer = read_completion(raw, secrets=secrets)
    plain = decode_plain(answer.raw)
    message: Plain = {"role": "assistant", "content": answer.content, "refusal": None}
    calls: list[Plain] = []
    details: list[Plain] = []
    citations: list[Any] = []
    for index, block in enumerate(plain["content"]):
        kind = block["type"]
        if kind == "tool_use":
            function = {
                "name": block.get("name"),
                "arguments": encode_plain(block.get("input") or {}).decode(),
            }
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind == "thinking":
            said = {"text": block.get("thinking"), "signature": block.get("signature")}
            details.append({"type": "reasoning.text", **said, "format": FORMAT, "index": index})
        elif kind == "redacted_thinking":
            details.append(_encrypted(index, block))
        citations += [
            {"index": len(citations) + at, "citation": c} for at, c in enumerate(block.get("citations") or ())
        ]
    thoughts = "".join([text_in(detail.get("text")) for detail in details])
    found = {
        "tool_calls": calls,
        "reasoning_content": thoughts,
        "reasoning_details": details,
        "citations": citations,
    }
    message |= {name: value for name, value in found.items() if value}
    finish = _finish(answer.finish_reasons[0])
    return completion_of(text_in(plain.get("id")), created, answer.model, [(message, finish)], answer.usage)


def error_as_chat(
    status: int, body: bytes, *, secrets: Sequence[str] = (), retry_after: float | None = None
) -> RouterError:
    """Anthropic's refusal with OpenAI's code for a prompt that is too long, which agents act on."""
    error = read_error(status, body, secrets=secrets, retry_after=retry_after)
    if error.error_code is None and error.message.startswith("prompt is too long"):
        error.error_code = "context_length_exceeded"
    return error
