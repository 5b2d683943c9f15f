"""The end of a process: who is under way is answered or told, who comes is refused politely, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Final

import pytest

from tests.doubles.answers import SSE_HEAD, completion
from tests.doubles.upstream import STALL, Script, SeenRequest, Until
from tests.e2e.clients import BODY, Tried, error_in, head, request, tried_gateway
from tests.e2e.faults.case import END, GOOD_BODY, HEL, LO, ROLE, STOP, events

STREAM: Final = BODY[:-1] + b', "stream": true}'
READY: Final = head(path="/health/ready", method="GET")
LIVE: Final = head(path="/health/live", method="GET")
TALKING: Final[Script] = [SSE_HEAD + events(ROLE, HEL), STALL]


async def until_draining(tried: Tried) -> None:
    """Wait until readiness is false, which it is told by an open port."""
    async with asyncio.timeout(20):
        while True:
            async with tried.wire() as wire:
                await wire.send(READY)
                status, _, body = await wire.reply()
            if status == 503:
                assert json.loads(body)["draining"]
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_draining_gateway_listens_is_not_ready_refuses_work_and_finishes_what_it_has(
    tmp_path: Path, number: int
) -> None:
    go_on = asyncio.Event()

    def scripted(asked: SeenRequest) -> Script:
        if asked.json().get("stream"):
            return [SSE_HEAD + events(ROLE, HEL), Until(go_on), events(LO, STOP) + END]
        return [Until(go_on), completion("Hello")]

    async with tried_gateway(tmp_path, scripted, client_timeout=20) as tried:
        async with tried.wire() as streamed, tried.wire() as whole, tried.wire() as idle:
            await idle.send(LIVE)
            await idle.reply()
            await streamed.send(request(STREAM))
            await whole.send(request())
            await streamed.reader.readuntil(HEL)
            await tried.was_asked(2)
            tried.gateway.running.send_signal(number)
            await until_draining(tried)
            await idle.send(LIVE)
            alive, _, _ = await idle.reply()
            await idle.send(request())
            refused, headers, body = await idle.reply()
            go_on.set()
            rest = await streamed.rest()
            answered, _, answer = await whole.reply()
            code = await asyncio.to_thread(tried.gateway.ended)
        rows = await asyncio.to_thread(tried.gateway.rows)

    assert alive == 200
    assert (refused, error_in(body)["code"], headers["retry-after"]) == (503, "overloaded", "1")
    assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert (answered, answer) == (200, GOOD_BODY)
    assert code == 0
    assert sorted(row["outcome"] for row in rows) == ["complete", "complete"]
    assert len(tried.asked) == 2


async def test_after_the_drain_everybody_is_told_and_the_journal_is_flushed(tmp_path: Path) -> None:
    def scripted(asked: SeenRequest) -> Script:
        return TALKING if asked.json().get("stream") else [STALL]

    async with tried_gateway(tmp_path, scripted, client_timeout=20, drain_seconds=0.3) as tried:
        async with tried.wire() as streamed, tried.wire() as whole:
            await streamed.send(request(STREAM))
            await whole.send(request())
            await streamed.reader.readuntil(HEL)
            await tried.was_asked(2)
            tried.gateway.running.send_signal(signal.SIGTERM)
            rest = await streamed.rest()
            status, _, body = await whole.reply()
            code = await asyncio.to_thread(tried.gateway.ended)
        rows = await asyncio.to_thread(tried.gateway.rows)

    assert b"[DONE]" not in rest
    last = rest.rpartition(b"data: ")[2].partition(b"\n\n")[0]
    assert error_in(last)["code"] == "overloaded"
    assert (status, error_in(body)["code"]) == (503, "overloaded")
    assert code == 0
    assert [(row["outcome"], row["error"]) for row in rows] == [("failed", "overloaded")] * 2
    for connection in tried.upstream.connections:
        await connection.left()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(tmp_path: Path, second: int) -> None:
    async with tried_gateway(tmp_path, lambda asked: TALKING, client_timeout=20, drain_seconds=3600) as tried:
        async with tried.wire() as wire:
            await wire.send(request(STREAM))
            await wire.reader.readuntil(HEL)
            tried.gateway.running.send_signal(signal.SIGTERM)
            await until_draining(tried)
            tried.gateway.running.send_signal(second)
            rest = await wire.rest()
            code = await asyncio.to_thread(tried.gateway.ended)
        rows = await asyncio.to_thread(tried.gateway.rows)

    assert b"[DONE]" not in rest
    assert code == 0
    assert len(rows) == 1
    assert rows[0]["outcome"] != "complete"
