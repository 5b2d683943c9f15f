"""`CostFrames`: a stream whose last usage says what it cost, for clients that asked `x-synthlang-cost: body`.

The cost is known when the answer is over, so what carries the usage waits until then: nothing a user could see does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import structs

from synthlang_router.api.stream import Frames
from synthlang_router.models import ChatChunk, Facts


class CostFrames:
    """Writes through another writer. `facts.cost` is read at the end; `tail` makes a frame where no usage came."""

    __slots__ = ("_facts", "_held", "_inner", "_tail")

    def __init__(self, inner: Frames, facts: Facts, tail: Callable[[], ChatChunk] | None) -> None:
        self._inner = inner
        self._facts = facts
        self._tail = tail
        self._held: list[ChatChunk] = []

    def write(self, chunks: Sequence[ChatChunk]) -> bytes:
        ready: list[ChatChunk] = []
        for chunk in chunks:
            if chunk.usage is not None or chunk.data:
                ready += self._held
                self._held = []
            if chunk.usage is None and not self._held:
                ready.append(chunk)
            else:
                self._held.append(chunk)
        return self._inner.write(ready) if ready else b""

    def end(self) -> bytes:
        held, cost = self._held, self._facts.cost
        if not held and self._tail is not None:
            held = [self._tail()]
        if cost is not None and held:
            held = [_with_cost(held[0], cost), *held[1:]]
        return self._inner.write(held) + self._inner.end()


def usage_frame(facts: Facts, answer_id: str) -> ChatChunk:
    """A frame with OpenAI's usage, of a chat stream that had none."""
    usage = facts.usage
    counted: dict[str, int] = (
        {}
        if usage is None
        else {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
    )
    frame = {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": int(facts.arrived),
        "model": facts.served_model,
        "choices": [],
        "usage": counted,
    }
    return ChatChunk(raw=msgspec.json.encode(frame), usage=usage, data=False)


def _with_cost(chunk: ChatChunk, cost: float) -> ChatChunk:
    """The frame with `cost`, in USD, in its usage; shown, for that was asked for."""
    try:
        frame: dict[str, Any] = msgspec.json.decode(chunk.raw)
    except msgspec.DecodeError:
        return chunk
    for place in (frame, frame.get("response"), frame.get("message")):
        if isinstance(place, dict) and isinstance(place.get("usage"), dict):
            place["usage"]["cost"] = round(cost, 12)
            return structs.replace(chunk, raw=msgspec.json.encode(frame), hidden=False)
    return chunk
