"""SynthLang for other programs, over HTTP."""

from __future__ import annotations

import json

from tests.doubles.answers import completion
from tests.way.conftest import OpenHouse

ROWS = [{"name": f"item {n}", "value": n, "state": "open"} for n in range(20)]
MESSAGES = [{"role": "user", "content": "Summarise:\n" + json.dumps(ROWS, indent=2)}]


async def test_messages_are_compressed_and_given_back_and_no_provider_is_asked(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    short = await house.client.post("/v1/synthlang/compress", {"messages": MESSAGES})
    back = await house.client.post("/v1/synthlang/decompress", {"stored": short.json()["stored"]})

    assert short.json()["tokens_after"] < short.json()["tokens_before"]
    assert back.json()["messages"] == MESSAGES
    assert house.asked == []


async def test_it_takes_a_key_and_a_readable_body(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    stranger = await house.as_key("sk-nobody").post("/v1/synthlang/compress", {"messages": MESSAGES})
    broken = await house.client.post("/v1/synthlang/decompress", {"stored": "synthlang/1 r 0\n[]"})
    wrong = await house.client.post("/v1/synthlang/compress", {"messages": MESSAGES, "level": "loud"})

    assert (stranger.status, broken.status, wrong.status) == (401, 400, 400)
    assert wrong.json()["error"]["type"] == "invalid_request_error"
