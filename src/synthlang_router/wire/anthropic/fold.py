"""`fold`: the whole Anthropic message that a stream's events make, unknown fields included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.models import ChatChunk, ChatCompletion
from synthlang_router.wire.anthropic.answers import parse_message, read_usage
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain

_TEXT: Final = {"text_delta": "text", "thinking_delta": "thinking"}
_ANY: Final = msgspec.json.Decoder()


class _Folding:
    """A message under way; pieces of text are joined once."""

    def __init__(self) -> None:
        self.message: Plain = {}
        self.blocks: dict[int, Plain] = {}
        self.pieces: dict[tuple[int, str], list[str]] = {}

    def add(self, plain: Plain) -> None:
        kind, index = plain.get("type"), plain.get("index")
        if kind == "message_start" and type(plain.get("message")) is dict:
            self.message |= plain["message"]
        elif (
            kind == "content_block_start" and type(plain.get("content_block")) is dict and type(index) is int
        ):
            self.blocks[index] = plain["content_block"]
        elif kind == "content_block_delta" and type(plain.get("delta")) is dict and index in self.blocks:
            self._add_delta(index, plain["delta"])
        elif kind == "message_delta":
            self.message |= plain["delta"] if type(plain.get("delta")) is dict else {}
            self._add_usage(plain.get("usage"))

    def _add_usage(self, usage: Any) -> None:
        if type(usage) is dict:
            kept = self.message.get("usage")
            counted = {name: value for name, value in usage.items() if value is not None}
            self.message["usage"] = {**kept, **counted} if type(kept) is dict else usage

    def _add_delta(self, index: int, delta: Plain) -> None:
        kind = delta.get("type")
        if kind == "input_json_delta":
            self._piece(index, "input", delta.get("partial_json"))
        elif kind in _TEXT:
            self._piece(index, _TEXT[kind], delta.get(_TEXT[kind]))
        elif kind == "signature_delta":
            self.blocks[index]["signature"] = delta.get("signature")
        elif kind == "citations_delta":
            block = self.blocks[index]
            block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]

    def _piece(self, index: int, name: str, text: Any) -> None:
        if type(text) is str:
            self.pieces.setdefault((index, name), []).append(text)

    def whole(self) -> Plain:
        for (index, name), texts in self.pieces.items():
            block, text = self.blocks[index], "".join(texts)
            if name == "input":
                block["input"] = _input(text)
            else:
                block[name] = (block.get(name) or "") + text
        content = self.message.get("content")
        heads = content if type(content) is list else []
        self.message["content"] = heads + [self.blocks[index] for index in sorted(self.blocks)]
        return self.message


def _input(text: str) -> Any:
    """A tool's input byte for byte if it is JSON; what was cut stays visible as text."""
    if not text:
        return {}
    try:
        _ANY.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {"partial_json": text}
    return msgspec.Raw(text.encode())


def fold(chunks: Sequence[ChatChunk]) -> ChatCompletion:
    """The whole message that these events make. Never fails: recording depends on it."""
    folding = _Folding()
    for chunk in chunks:
        try:
            folding.add(decode_plain(chunk.raw))
        except ProviderProtocolError:
            continue  # an event with parts that nobody can read
    plain = folding.whole()
    raw = encode_plain(plain)
    try:
        return parse_message(raw)
    except ProviderProtocolError:
        return ChatCompletion(raw=raw, dialect="anthropic", usage=read_usage(plain.get("usage")))
