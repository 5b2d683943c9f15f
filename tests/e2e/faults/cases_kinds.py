"""Good streams of every kind: what may stand in frames, and arrives byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.doubles.answers import DONE, LAST_CHUNK, SSE_HEAD, chunk, frame_json
from tests.e2e.faults.case import END, GOOD_FRAMES, HEL, LO, ROLE, STOP, Case, Whole, events, streamed

USAGE: Final = frame_json({}, usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}).replace(
    json.dumps([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}]).encode(), b"[]"
)
FILTERED: Final = (
    b'{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]}'
)


def _choices(*choices: dict[str, Any], **fields: Any) -> bytes:
    made = [
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": None, **choice} for choice in choices
    ]
    return json.dumps({**json.loads(STOP), "choices": made, **fields}).encode()


def _call(index: int, arguments: str, **more: Any) -> bytes:
    called = {"index": index, "function": {"arguments": arguments, **more}}
    if more:
        called |= {"id": f"call_{index}", "type": "function"}
    return frame_json({"tool_calls": [called]})


GOOD_KINDS: Final[dict[str, Sequence[bytes]]] = {
    "usage at the end": (*GOOD_FRAMES, USAGE),
    "usage at the beginning": (USAGE, *GOOD_FRAMES),
    "empty choices at the beginning": (FILTERED, *GOOD_FRAMES),
    "empty choices at the end": (*GOOD_FRAMES, FILTERED),
    "a content of null": (frame_json({"role": "assistant", "content": None}), HEL, LO, STOP),
    "a delta of null": (ROLE, HEL, LO, STOP.replace(b'"delta": {}', b'"delta": null')),
    "no delta": (ROLE, HEL, LO, STOP.replace(b'"delta": {}, ', b"")),
    "unknown fields": (ROLE, HEL, frame_json({"content": "lo", "mood": "fine"}, x={"y": [1, 2.50]}), STOP),
    "finish with the last text": (ROLE, HEL, frame_json({"content": "lo"}, finish="stop")),
    "finish by length": (ROLE, HEL, LO, frame_json({}, finish="length")),
    "finish by a filter": (ROLE, HEL, LO, frame_json({}, finish="content_filter")),
    "logprobs": (ROLE, HEL, _choices({"delta": {"content": "lo"}, "logprobs": {"content": []}}), STOP),
    "reasoning": (ROLE, frame_json({"reasoning_content": "Hm"}), HEL, LO, STOP),
    "text beside an error of null": (ROLE, HEL, frame_json({"content": "lo"}, error=None), STOP),
    "a frame of 3 MB": (ROLE, HEL, LO, frame_json({"content": ""}, padding="x" * 3_000_000), STOP),
}

OTHER_KINDS: Final[dict[str, Sequence[bytes]]] = {
    "a refusal": (ROLE, frame_json({"refusal": "No"}), frame_json({"refusal": "."}), STOP),
    "two tool calls in turns": (
        frame_json({"role": "assistant", "content": None}),
        _call(0, "", name="a"), _call(1, "", name="b"), _call(0, '{"x":'), _call(1, '{"y":'), _call(0, "1}"), _call(1, "2}"),
        frame_json({}, finish="tool_calls"),
    ),
    "an old function call": (ROLE, frame_json({"function_call": {"name": "a", "arguments": "{}"}}), frame_json({}, finish="function_call")),
}  # fmt: skip

TWO_CHOICES: Final = (
    _choices({"delta": {"content": "Hel"}}),
    _choices({"index": 1, "delta": {"content": "Bye"}}),
    _choices({"delta": {"content": "lo"}, "finish_reason": "stop"}),
    _choices({"index": 1, "finish_reason": "length"}),
)


def good_streams() -> Iterator[Case]:
    for name, frames in GOOD_KINDS.items():
        yield streamed(
            f"a stream with {name}", [SSE_HEAD + events(*frames) + END], Whole(shown=tuple(frames))
        )
    for name, frames in OTHER_KINDS.items():
        yield streamed(
            f"a stream of {name}", [SSE_HEAD + events(*frames) + END], Whole(shown=tuple(frames), text="")
        )
    yield streamed(
        "a stream of two choices",
        [SSE_HEAD + events(*TWO_CHOICES) + END],
        Whole(shown=TWO_CHOICES, text="HelByelo"),
    )
    pretty = tuple(json.dumps(json.loads(frame), indent=1).encode() for frame in GOOD_FRAMES)
    lines = b"".join(b"data: " + frame.replace(b"\n", b"\ndata: ") + b"\n\n" for frame in pretty)
    joined = tuple(frame.replace(b"\n", b" ") for frame in pretty)
    yield streamed(
        "frames over several lines", [SSE_HEAD + chunk(lines + DONE) + LAST_CHUNK], Whole(shown=joined)
    )
