"""A response made over chat: what it says of the request, and what it leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synthlang_router.wire import DIALECTS
from synthlang_router.wire.bridges.response_object import completed, response_object


def begun(**fields: Any) -> dict[str, Any]:
    body = json.dumps({"model": "m", "input": "Hi", **fields}).encode()
    request = DIALECTS["openai"].read_request(body, "responses")
    return response_object(request, "chatcmpl-1", 1, "m")


def test_what_was_asked_is_said_again_and_what_was_not_as_its_default() -> None:
    response = begun(temperature=0, service_tier="flex", user="ann")

    assert (response["temperature"], response["service_tier"], response["user"]) == (0, "flex", "ann")
    assert (response["top_p"], response["tool_choice"]) == (1.0, "auto")


@pytest.mark.parametrize(
    ("field", "value"), [("tool_choice", {"type": {}}), ("tool_choice", {"a": 1}), ("service_tier", [])]
)
def test_what_nobody_could_read_is_not_said_again(field: str, value: object) -> None:
    assert begun(**{field: value})[field] == "auto"


def test_what_is_not_known_is_left_out() -> None:
    response = begun()

    assert "user" not in response
    assert "usage" not in completed(response, [], "stop", None)
