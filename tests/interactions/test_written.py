"""What an answer says of itself: all that was written, and the tier it was served at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synthlang_router.interactions.written import told_tier, written_text
from synthlang_router.models import ChatCompletion

CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"q": "sky"}'}}


def answer(body: dict[str, Any], content: str | None = None, *, tools: bool = False) -> ChatCompletion:
    choices = body.get("choices", ())
    return ChatCompletion(
        json.dumps(body).encode(),
        content=content,
        finish_reasons=tuple("stop" for _ in choices),
        has_tool_calls=tools,
    )


@pytest.mark.parametrize(
    ("completion", "texts"),
    [
        (answer({"choices": [{"message": {"content": "Because."}}]}, "Because."), {"Because."}),
        (
            answer({"choices": [{"message": {"content": None, "tool_calls": [CALL]}}]}, tools=True),
            {"look", '{"q": "sky"}'},
        ),
        (
            answer({"choices": [{"message": {"content": "A"}}, {"message": {"content": "B"}}]}, "A"),
            {"A", "B"},
        ),
        (
            answer({"choices": [{"message": {"content": "A", "reasoning_content": "Hm"}}]}, "A"),
            {"A", "Hm"},
        ),
        (
            answer({"content": [{"type": "tool_use", "name": "look", "input": {"q": 1}}]}, tools=True),
            {"look", '{"q":1}'},
        ),
        (answer({"output": [{"content": [{"type": "output_text", "text": "A"}]}]}), {"A"}),
    ],
)
def test_all_that_was_written_is_counted(completion: ChatCompletion, texts: set[str]) -> None:
    assert set(written_text(completion).split("\n")) == texts


def test_an_answer_that_nobody_can_read_has_the_text_it_has() -> None:
    assert written_text(ChatCompletion(b"{", content="A", has_tool_calls=True)) == "A"


@pytest.mark.parametrize(
    ("body", "tier"),
    [
        ({"service_tier": "flex"}, "flex"),
        ({"service_tier": "default"}, "default"),
        ({"service_tier": None}, None),
        ({"usage": {"service_tier": "priority"}}, "priority"),
        ({"usage": {"service_tier": "standard"}}, None),
        ({"service_tier": 5}, None),
        ({}, None),
    ],
)
def test_the_tier_is_what_the_provider_says(body: dict[str, Any], tier: str | None) -> None:
    assert told_tier(answer(body)) == tier
