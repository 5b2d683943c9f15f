"""`unfold` and `refresh`: a stored OpenAI answer as a fresh one, streamed or whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from synthlang_router.models import ChatChunk, ChatCompletion
from synthlang_router.wire.openai.frames import CHUNK, chunk_of
from synthlang_router.wire.openai.responses import unfold_response
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain
from synthlang_router.wire.splice import replace

PIECE: Final = 48
"""Characters of text in one frame of a replayed answer, finished to the end of a word."""

_PIECES: Final = re.compile(rf"(?s).{{1,{PIECE}}}\S{{0,16}}")
_WHOLE: Final = frozenset({"role", "id", "type", "name", "format", "signature"})  # never cut into pieces
_HEAD: Final = re.compile(
    rb'(\s*\{\s*"id"\s*:\s*)"[^"\\]*"(\s*,\s*"object"\s*:\s*"[^"\\]*"\s*,\s*"created"\s*:\s*)\d+(?=\s*[,}])'
)


def unfold(completion: ChatCompletion, *, new_id: str, created: int, include_usage: bool) -> list[ChatChunk]:
    """The frames of a live answer: role, text in moderate pieces, tool calls, finish, usage."""
    plain = decode_plain(completion.raw)
    if plain.get("object") == "response":
        return unfold_response(completion, new_id=new_id, created=created)
    choices, usage = plain.pop("choices"), plain.pop("usage", None)
    text = plain.get("object") == "text_completion"
    plain |= {
        "id": new_id,
        "object": plain["object"] if text else "chat.completion.chunk",
        "created": created,
    }
    once = {name: plain.pop(name) for name in [*plain] if type(plain[name]) in (list, dict)}
    head = encode_plain(plain)[:-1] + b',"choices":['
    tail = b'],"usage":null}' if include_usage else b"]}"
    raws: list[bytes] = []
    for position, choice in enumerate(choices):
        pieces = _unfold_text(choice) if text else _unfold_message(choice)
        raws += [head + encode_plain({"index": position, **piece}) + tail for piece in pieces]
    if once and raws:
        raws[0] = raws[0][:-1] + b"," + encode_plain(once)[1:]
    chunks = [chunk_of(CHUNK.decode(raw), raw) for raw in raws]
    if include_usage and usage is not None:
        raw = head + b'],"usage":' + encode_plain(usage) + b"}"
        chunks.append(chunk_of(CHUNK.decode(raw), raw))
    return chunks


def _unfold_text(choice: Plain) -> Iterator[Plain]:
    """A choice of a text completion."""
    for piece in pieces_of(choice.get("text") or ""):
        yield {"text": piece, "logprobs": None, "finish_reason": None}
    yield {"logprobs": None, **choice, "text": ""}


def _unfold_message(choice: Plain) -> Iterator[Plain]:
    """A choice of a chat completion; what is not of the message comes with the finish_reason."""
    rest = {name: value for name, value in choice.items() if name not in ("index", "message")}
    logprobs = rest.get("logprobs")
    quiet: Plain = (
        {"logprobs": None, "finish_reason": None} if "logprobs" in rest else {"finish_reason": None}
    )
    for position, delta in enumerate(_deltas(choice.get("message") or {})):
        frame = {"delta": delta, **quiet}
        if position == 1 and logprobs is not None:
            frame["logprobs"], rest["logprobs"] = logprobs, None
        yield frame
    yield {"delta": {}, **rest}


def _deltas(message: Plain) -> Iterator[Plain]:
    """First the role with all that is not spoken piece by piece, then reasoning, text and the rest, tool calls last."""
    head: Plain = {"role": "assistant", "content": "" if type(message.get("content")) is str else None}
    spoken: list[tuple[str, str]] = []
    for name, value in message.items():
        if type(value) is str and value and name not in _WHOLE:
            spoken.append((name, value))
        elif name != "tool_calls":
            head[name] = value
    yield head
    for name, value in sorted(spoken, key=lambda field: not field[0].startswith("reasoning")):
        for piece in pieces_of(value):
            yield {name: piece}
    for index, call in enumerate(message.get("tool_calls") or ()):
        yield from _call_deltas(index, call)


def _call_deltas(index: int, call: Plain) -> Iterator[Plain]:
    function = call.get("function")
    arguments = function.get("arguments") if type(function) is dict else None
    if type(arguments) is not str or type(function) is not dict:
        yield {"tool_calls": [{**call, "index": index}]}
        return
    yield {"tool_calls": [{"index": index, **call, "function": {**function, "arguments": ""}}]}
    for piece in pieces_of(arguments):
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def pieces_of(text: str) -> list[str]:
    """`text` in pieces of some words each; nothing is lost."""
    return _PIECES.findall(text)


def refresh(completion: ChatCompletion, *, new_id: str, created: int) -> bytes:
    """The body with a fresh id and time, every other byte as it was."""
    raw = completion.raw
    fresh_id, fresh_time = encode_plain(new_id), b"%d" % created
    head = _HEAD.match(raw)
    if head is not None:
        return b"".join((head[1], fresh_id, head[2], fresh_time, raw[head.end() :]))
    return replace(raw, {"id": fresh_id, "created": fresh_time, "created_at": fresh_time})
