"""`unfold` and `refresh`: a stored Anthropic message as a fresh one, streamed or whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatChunk, ChatCompletion, ToolCallDelta
from synthlang_router.wire.anthropic.answers import finish_of, read_usage
from synthlang_router.wire.openai.replay import pieces_of
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain
from synthlang_router.wire.splice import FIELDS, replace

_STOP: Final = ("stop_reason", "stop_sequence", "stop_details")
_SPOKEN: Final = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}


def unfold(completion: ChatCompletion, *, new_id: str, created: int, include_usage: bool) -> list[ChatChunk]:
    """The events of a live answer. Usage always comes; `created` has no place here."""
    plain = decode_plain(completion.raw)
    blocks = plain.get("content") or []
    usage = plain.get("usage")
    counted = usage if type(usage) is dict else {}
    stop: Plain = {name: plain[name] for name in _STOP if name in plain}
    start = {
        **plain,
        "id": new_id,
        "content": [],
        **dict.fromkeys(stop),
        "usage": {**counted, "output_tokens": 1},
    }
    chunks = [_chunk({"type": "message_start", "message": start}, data=False)]
    inputs = _inputs(completion.raw)
    order = -1
    for index, block in enumerate(blocks):
        order += str(block.get("type")).endswith("tool_use")
        chunks += _block(index, order, block, inputs[index])
    end = {
        "type": "message_delta",
        "delta": stop,
        "usage": {"output_tokens": counted.get("output_tokens", 0)},
    }
    finish = finish_of(plain.get("stop_reason"))
    chunks.append(
        ChatChunk(
            raw=encode_plain(end),
            event="message_delta",
            finish_reason=finish,
            usage=read_usage(usage),
            data=True,
        )
    )
    chunks.append(_chunk({"type": "message_stop"}, data=False))
    return chunks


def _inputs(raw: bytes) -> list[str]:
    """The bytes of each block's `input`, so that a replay has the very text that came."""
    content = msgspec.json.decode(FIELDS.decode(raw)["content"], type=list[dict[str, msgspec.Raw]])
    return [bytes(block["input"]).decode() if "input" in block else "" for block in content]


def _chunk(plain: Plain, *, data: bool) -> ChatChunk:
    return ChatChunk(raw=encode_plain(plain), event=plain["type"], data=data)


def _block(index: int, order: int, block: Plain, given: str) -> Iterator[ChatChunk]:
    kind = block.get("type")
    if kind in _SPOKEN:
        yield from _spoken(index, block, *_SPOKEN[str(kind)])
    elif str(kind).endswith("tool_use"):
        yield from _tool_use(index, order, block, given)
    else:
        yield _chunk({"type": "content_block_start", "index": index, "content_block": block}, data=True)
    yield _chunk({"type": "content_block_stop", "index": index}, data=False)


def _spoken(index: int, block: Plain, name: str, delta: str) -> Iterator[ChatChunk]:
    empty = {**block, name: ""}
    late = [(field, empty[field]) for field in ("signature", "citations") if empty.get(field)]
    for field, value in late:
        empty[field] = "" if type(value) is str else []
    yield _chunk({"type": "content_block_start", "index": index, "content_block": empty}, data=False)
    for piece in pieces_of(block.get(name) or ""):
        raw = encode_plain(
            {"type": "content_block_delta", "index": index, "delta": {"type": delta, name: piece}}
        )
        text, thought = (piece, None) if name == "text" else (None, piece)
        yield ChatChunk(raw=raw, event="content_block_delta", content=text, reasoning=thought)
    for field, value in late:
        yield from _late(index, field, value)


def _late(index: int, field: str, value: Any) -> Iterator[ChatChunk]:
    if field == "signature":
        deltas: list[Plain] = [{"type": "signature_delta", "signature": value}]
    else:
        deltas = [{"type": "citations_delta", "citation": citation} for citation in value]
    for delta in deltas:
        yield _chunk(
            {"type": "content_block_delta", "index": index, "delta": delta}, data=field == "citations"
        )


def _tool_use(index: int, order: int, block: Plain, given: str) -> Iterator[ChatChunk]:
    raw = encode_plain(
        {"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}}
    )
    call = ToolCallDelta(order, block.get("id"), block.get("name"), "")
    yield ChatChunk(raw=raw, event="content_block_start", tool_calls=(call,))
    for piece in pieces_of(given):
        delta = {"type": "input_json_delta", "partial_json": piece}
        raw = encode_plain({"type": "content_block_delta", "index": index, "delta": delta})
        yield ChatChunk(
            raw=raw, event="content_block_delta", tool_calls=(ToolCallDelta(order, arguments=piece),)
        )


def refresh(completion: ChatCompletion, *, new_id: str, created: int) -> bytes:
    """The body with a fresh id, every other byte as it was."""
    return replace(completion.raw, {"id": encode_plain(new_id)})
