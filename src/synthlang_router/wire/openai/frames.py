"""One frame of an OpenAI stream: payload to `ChatChunk`. [hot]

A chunk keeps its payload byte for byte; one typed decode reads what we need of it (about 1 µs, measured by
`benchmarks/bench_openai.py`), and types only what decides the shape: a vendor's odd leaf never fails an answer.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from synthlang_router.models import ChatChunk, ToolCallDelta, Usage
from synthlang_router.wire.openai.answers import NO_RAW, read_usage, text_of


class _Function(msgspec.Struct, frozen=True, gc=False):
    name: Any = None
    arguments: Any = None


class _ToolCall(msgspec.Struct, frozen=True, gc=False):
    index: int | None = None
    id: Any = None
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True, gc=False):
    content: Any = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    tool_calls: list[_ToolCall] | None = None
    function_call: Any = None
    audio: Any = None


class WireChoice(msgspec.Struct, frozen=True, gc=False):
    index: int | None = None
    delta: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class WireChunk(msgspec.Struct, frozen=True, gc=False):
    choices: list[WireChoice] | None = None
    usage: msgspec.Raw = NO_RAW
    error: Any = None
    x_groq: Any = None


CHUNK: Final = msgspec.json.Decoder(WireChunk)
_NO_DELTA: Final = _Delta()


def chunk_of(wire: WireChunk, raw: bytes) -> ChatChunk:
    """The chunk of one payload. Of several choices in one payload it shows the first; `fold` reads them all."""
    usage = None if wire.usage is NO_RAW else read_usage(wire.usage)
    choices = wire.choices
    if not choices:
        return ChatChunk(raw=raw, usage=usage, data=False)
    if wire.x_groq is not None and usage is None:
        usage = _groq_usage(wire.x_groq)
    chunk = _chunk_of_choice(choices[0], raw, usage)
    if (
        len(choices) > 1
        and not chunk.data
        and any([_chunk_of_choice(c, b"", None).data for c in choices[1:]])
    ):
        return msgspec.structs.replace(chunk, data=True)
    return chunk


def _chunk_of_choice(choice: WireChoice, raw: bytes, usage: Usage | None) -> ChatChunk:
    delta = choice.delta
    if delta is None:
        delta = _NO_DELTA
    content = delta.content if choice.text is None else choice.text
    reasoning = delta.reasoning_content if delta.reasoning is None else delta.reasoning
    if (
        type(content) is str
        and content
        and delta.tool_calls is None
        and delta.refusal is None
        and not reasoning
    ):
        # nine of ten frames: a piece of text
        return ChatChunk(raw, choice.index or 0, content, None, None, (), choice.finish_reason or None, usage)
    if content is not None and type(content) is not str:
        content = text_of(content)
    finish = choice.finish_reason or None
    calls = delta.tool_calls
    return ChatChunk(
        raw,
        choice.index or 0,
        content,
        delta.refusal if type(delta.refusal) is str else None,
        reasoning if type(reasoning) is str else None,
        tuple([_tool_call(position, call) for position, call in enumerate(calls)]) if calls else (),
        finish,
        usage,
        bool(content or finish or calls or reasoning or delta.refusal or delta.function_call or delta.audio),
    )


def _tool_call(position: int, call: _ToolCall) -> ToolCallDelta:
    function = call.function
    name = None if function is None else function.name
    arguments = None if function is None else function.arguments
    return ToolCallDelta(
        position if call.index is None else call.index,
        call.id if type(call.id) is str else None,
        name if type(name) is str else None,
        arguments if type(arguments) is str else None,
    )


def _groq_usage(extra: Any) -> Usage | None:
    """Groq puts a stream's usage beside the finish_reason."""
    usage = extra.get("usage") if type(extra) is dict else None
    return None if usage is None else read_usage(msgspec.Raw(msgspec.json.encode(usage)))
