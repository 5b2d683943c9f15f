"""A thousand equal requests at once over a real process: one call upstream, and everybody has the answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.answers import SSE_HEAD, completion_body, error, http
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import Script, ScriptedUpstream, SeenRequest, Until
from tests.doubles.waiting import eventually
from tests.e2e.faults.case import END, GOOD_FRAMES, HEL, LO, ROLE, STOP, events
from tests.e2e.faults.raw import Reply, post

MANY = 1000
CONFIG = """\
providers: {{upstream: {{base_url: "{url}", stream_usage: never}}}}
models: [{{name: m, targets: [{{provider: upstream, model: m}}]}}]
keys: [{{name: e2e, key: {key}, requests_per_minute: 1000000, concurrency: 2000}}]
cache: {{semantic: {{enabled: false}}}}
"""


async def ask(gateway: GatewayProcess, stream: bool) -> Reply:
    """A client may ask the other way round: an answer is an answer."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "the same"}]}
    if stream:
        body["stream"] = True
    return await post(gateway.url, json.dumps(body).encode(), {"authorization": f"Bearer {KEY}"}, patience=60)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_thousand_equal_requests_at_once_are_one_call(tmp_path: Path, stream: bool) -> None:
    go_on = asyncio.Event()
    first: Script = [SSE_HEAD + events(ROLE, HEL), Until(go_on), events(LO, STOP) + END]
    asked: list[SeenRequest] = []

    def scripted(request: SeenRequest) -> Script:
        if request.method == "GET":
            return [error("404 Not Found")]
        asked.append(request)
        return first if stream else [Until(go_on), http(completion_body("Hello"))]

    async with ScriptedUpstream(scripted) as upstream:
        config = CONFIG.format(url=upstream.url, key=KEY)
        with GatewayProcess(tmp_path, config) as gateway:
            asking = [asyncio.ensure_future(ask(gateway, stream)) for _ in range(MANY)]
            gauges = await eventually(
                gateway.gauges, lambda seen: seen["synthlang_requests_in_flight"] == MANY
            )
            go_on.set()
            replies = await asyncio.gather(*asking)
            rows = await eventually(lambda: gateway.rows(MANY), lambda rows: len(rows) >= MANY)

    assert gauges["synthlang_requests_in_flight"] == MANY
    assert len(asked) == 1
    assert Counter(reply.headers["x-cache"] for reply in replies) == {"MISS": 1, "COALESCED": MANY - 1}
    assert Counter(reply.status for reply in replies) == {200: MANY}
    assert len({reply.body for reply in replies}) == 1
    if stream:
        assert replies[0].events == [*GOOD_FRAMES, b"[DONE]"]
    else:
        assert replies[0].json()["choices"][0]["message"]["content"] == "Hello"
    assert Counter(row["outcome"] for row in rows) == {"complete": MANY}
    assert sum(len(row["attempts"]) for row in rows) == 1
