"""Answers of a provider that speaks Anthropic's dialect: one text, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

from tests.doubles.answers import http

ANTHROPIC_TEXT = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Bonjour."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
    "container": None,
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**ANTHROPIC_TEXT, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Bon"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "jour."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
]
SPOKEN = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS).encode()
MESSAGE = http(json.dumps(ANTHROPIC_TEXT).encode())
MESSAGE_STREAM = http(SPOKEN, kind="text/event-stream")
