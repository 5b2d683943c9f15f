"""`Restoring`: placeholders in an answer become what they stand for, in text, tool arguments and across split chunks.

A frame that ends in what may be the beginning of a placeholder gives up those few characters to the next frame of
the same text; where none follows they are sent in a frame of their own, made like the one they came from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from synthlang_router.interactions.json_strings import changed, read, strings, written
from synthlang_router.models import ChatChunk, ChatCompletion, ToolCallDelta

_NAME: Final = re.compile(r"\[[A-Z]{2,6}_[0-9]{1,6}\]")
_NAME_BYTES: Final = re.compile(rb"\[[A-Z]{2,6}_[0-9]{1,6}\]")
_LONGEST: Final = 15
_INNER: Final = frozenset(("arguments", "partial_json"))
_GROWING: Final = frozenset(
    ("content", "text", "arguments", "partial_json", "delta", "reasoning", "reasoning_content", "refusal")
)
"""Keys of what grows from frame to frame."""
_CALLS: Final = re.compile(r'"type"\s*:\s*"response\.[a-z_]*(?:arguments|input)\.')
Slot = tuple[str, str, int, int]


class _Held:
    """Characters kept back, and the frame they came from: its text before and after where they stood."""

    __slots__ = ("after", "before", "chunk", "text")

    def __init__(self, text: str, chunk: ChatChunk, before: str, after: str) -> None:
        self.text = text
        self.chunk = chunk
        self.before = before
        self.after = after

    def frame(self) -> ChatChunk:
        raw = (self.before + self.text + self.after).encode("utf-8", "surrogateescape")
        return _with_texts(structs.replace(self.chunk, raw=raw, usage=None), [(None, self.text)])


class Restoring:
    """One answer. `originals` is what each placeholder stands for."""

    def __init__(self, originals: Mapping[str, str]) -> None:
        self._once = {name: written(value) for name, value in originals.items()}
        self._twice = {name: written(inner) for name, inner in self._once.items()}
        self._begun = frozenset(name[:length] for name in originals for length in range(1, len(name)))
        self._held: dict[Slot, _Held] = {}

    def completion(self, whole: ChatCompletion) -> ChatCompletion:
        if _NAME_BYTES.search(whole.raw) is None:
            return whole
        raw = changed(_text(whole.raw), lambda inner, key: self._restored(inner, key in _INNER))
        content = whole.content
        if content is not None:
            content = read(self._restored(written(content), inner=False))
        return structs.replace(whole, raw=raw.encode("utf-8", "surrogateescape"), content=content)

    def chunk(self, chunk: ChatChunk) -> list[ChatChunk]:
        """What may be sent now."""
        due = self._due(chunk)
        if not self._held and not self._concerns(chunk):
            return [*due, chunk]
        return [*due, self._rewritten(chunk)]

    def end(self) -> list[ChatChunk]:
        """What is still held when nothing follows."""
        frames = [held.frame() for held in self._held.values()]
        self._held.clear()
        return frames

    def _due(self, chunk: ChatChunk) -> list[ChatChunk]:
        """Held characters whose text does not go on in this frame, and cannot after it."""
        if not self._held or chunk.event == "ping":
            return []
        if chunk.event is None:
            if chunk.finish_reason is None or _grows(chunk):
                return []
            slots = [slot for slot in self._held if slot[2] == chunk.index]
        else:
            slots = [slot for slot in self._held if slot[0] != chunk.event]
        return [self._held.pop(slot).frame() for slot in slots]

    def _concerns(self, chunk: ChatChunk) -> bool:
        if chunk.event is not None:
            return b"[" in chunk.raw
        texts = (
            chunk.content,
            chunk.reasoning,
            chunk.refusal,
            *(call.arguments for call in chunk.tool_calls),
        )
        return any(text is not None and "[" in text for text in texts) or (
            _NAME_BYTES.search(chunk.raw) is not None
        )

    def _rewritten(self, chunk: ChatChunk) -> ChatChunk:
        text = _text(chunk.raw)
        calls = _CALLS.search(text) is not None
        parts: list[str] = []
        pairs: list[tuple[str | None, str]] = []
        kept: list[tuple[Slot, str, int]] = []  # held, and where in `parts` it stood
        position = 0
        seen: dict[str, int] = {}
        for found in strings(text):
            inner = text[found.start : found.end]
            slot = self._slot(chunk, found.key, seen)
            held = None if slot is None else self._held.pop(slot, None)
            whole = inner if held is None else held.text + inner
            new = self._restored(whole, found.key in _INNER or (calls and found.key == "delta"))
            if slot is not None and chunk.finish_reason is None:
                new, rest = self._cut(new)
                if rest:
                    kept.append((slot, rest, len(parts) + 1))
            if new != inner:
                parts += (text[position : found.start], new)
                pairs.append((read(inner), read(new) or ""))
                position = found.end
        if not parts:
            return chunk
        parts.append(text[position:])
        for slot, rest, place in kept:
            self._held[slot] = _Held(rest, chunk, "".join(parts[:place]), "".join(parts[place + 1 :]))
        raw = "".join(parts).encode("utf-8", "surrogateescape")
        return _with_texts(structs.replace(chunk, raw=raw), pairs)

    def _slot(self, chunk: ChatChunk, key: str, seen: dict[str, int]) -> Slot | None:
        """Which growing text this string is a piece of; None for one that stands alone."""
        if key not in _GROWING or not _grows(chunk):
            return None
        number = seen.get(key, 0)
        seen[key] = number + 1
        if key == "arguments" and number < len(chunk.tool_calls):
            number = chunk.tool_calls[number].index
        return (chunk.event or "", key, chunk.index, number)

    def _restored(self, text: str, inner: bool) -> str:
        if "[" not in text:
            return text
        originals = self._twice if inner else self._once
        return _NAME.sub(lambda found: originals.get(found[0], found[0]), text)

    def _cut(self, text: str) -> tuple[str, str]:
        start = text.rfind("[", max(0, len(text) - _LONGEST))
        if start < 0 or text[start:] not in self._begun:
            return text, ""
        return text[:start], text[start:]


def _grows(chunk: ChatChunk) -> bool:
    """Whether the frame carries a piece of a text, not a whole one."""
    event = chunk.event
    if event is None:
        return bool(chunk.content or chunk.reasoning or chunk.refusal or chunk.tool_calls)
    return event == "content_block_delta" or event.endswith(".delta")


def _with_texts(chunk: ChatChunk, pairs: list[tuple[str | None, str]]) -> ChatChunk:
    """The chunk's own values brought in line with its changed payload; None is whatever text it has."""
    for old, new in pairs:
        chunk = structs.replace(
            chunk,
            content=_new(chunk.content, old, new),
            reasoning=_new(chunk.reasoning, old, new),
            refusal=_new(chunk.refusal, old, new),
            tool_calls=tuple(_new_call(call, old, new) for call in chunk.tool_calls),
        )
    return chunk


def _new(value: str | None, old: str | None, new: str) -> str | None:
    return new if value is not None and (old is None or value == old) else value


def _new_call(call: ToolCallDelta, old: str | None, new: str) -> ToolCallDelta:
    return structs.replace(call, arguments=_new(call.arguments, old, new))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
