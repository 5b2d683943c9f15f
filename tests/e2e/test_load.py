"""A gateway that is full: who comes too many is told so at once, and nobody else suffers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.doubles.answers import completion
from tests.doubles.upstream import Script, SeenRequest, Until
from tests.doubles.waiting import eventually
from tests.e2e.clients import BODY, error_in, head, request, tried_gateway


async def test_requests_over_the_bound_are_503_at_once_and_the_others_are_answered(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    def scripted(asked: SeenRequest) -> Script:
        return [Until(go_on), completion()]

    async with tried_gateway(tmp_path, scripted, client_timeout=20, max_requests_in_flight=5) as tried:
        wires = [tried.wire() for _ in range(6)]
        for wire in wires:
            await wire.__aenter__()
        for wire in wires[:5]:
            await wire.send(request())
        await tried.was_asked(5)
        await wires[5].send(request())
        status, headers, body = await wires[5].reply()
        go_on.set()
        answered = [(await wire.reply())[0] for wire in wires[:5]]
        await wires[5].send(request())
        afterwards, _, _ = await wires[5].reply()
        for wire in wires:
            await wire.__aexit__(None, None, None)

    assert status == 503
    assert error_in(body)["code"] == "overloaded"
    assert headers["retry-after"] == "1"
    assert answered == [200] * 5
    assert afterwards == 200


async def test_bytes_over_the_bound_are_503_and_free_again_once_their_client_left(tmp_path: Path) -> None:
    large = json.dumps({**json.loads(BODY), "x": "y" * 1_500_000}).encode()
    async with tried_gateway(
        tmp_path, lambda asked: [completion()], client_timeout=20, max_bytes_in_flight=2_000_000
    ) as tried:
        async with tried.wire() as first, tried.wire() as second:
            await first.send(head(f"content-length: {len(large)}") + large[:-1])
            await eventually(
                tried.gateway.gauges, lambda seen: seen["synthlang_bytes_in_flight"] == len(large) - 1
            )
            await second.send(request(large))
            status, headers, body = await second.reply()
            await first.send(large[-1:])
            answered, _, _ = await first.reply()
        await tried.until_idle()
        async with tried.wire() as third:
            await third.send(request(large))
            afterwards, _, _ = await third.reply()

    assert (status, headers["retry-after"]) == (503, "1")
    assert error_in(body)["code"] == "overloaded"
    assert (answered, afterwards) == (200, 200)
