"""Tens of thousands of mixed requests: once the caches are at their bound, memory, descriptors and tasks stay flat."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.doubles.answers import SSE_HEAD, completion, error
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import CLOSE, Script, ScriptedUpstream, SeenRequest
from tests.e2e.clients import Wire, head, request
from tests.e2e.faults.case import GOOD_STREAM, HEL, ROLE, events

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]

CONFIG: Final = """\
providers: {{upstream: {{base_url: "{url}", stream_usage: never}}}}
models: [{{name: m, targets: [{{provider: upstream, model: m}}]}}]
keys: [{{name: e2e, key: {key}, requests_per_minute: 100000000, concurrency: 1000}}]
cache: {{semantic: {{enabled: false}}, exact: {{max_entries: 500}}}}
"""
AT_ONCE: Final = 16
QUESTIONS: Final = 5_000
"""Different ones: ten times what the cache holds."""
GROWN: Final = 3_000_000
"""Bytes of memory that may come on top between the cache at its bound and the end."""

Ask = tuple[str, bytes, int]
"""What it is, its bytes, and the status that answers it."""


def answer(asked: SeenRequest) -> Script:
    if asked.method == "GET":
        return [error("404 Not Found")]
    question = asked.json()
    text = question["messages"][-1]["content"]
    if "cut" in text:
        return [SSE_HEAD + events(ROLE, HEL), CLOSE]
    if "refuse" in text:
        return [error("400 Bad Request", code="odd")]
    return [GOOD_STREAM] if question.get("stream") else [completion("x" * 400)]


def mixed(seed: int) -> Iterator[Ask]:
    """Hits and misses, streams and whole answers, refusals, faults and what is no request; the same for a seed."""
    draw = random.Random(seed)
    while True:
        number = draw.randrange(QUESTIONS)
        kind = draw.choices(
            ["whole", "stream", "hit", "bad body", "no key", "refused", "cut"], [40, 25, 25, 3, 3, 3, 1]
        )[0]
        text = {"hit": "the same", "refused": f"refuse {number}", "cut": f"cut {number}"}.get(
            kind, f"q {number}"
        )
        body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": text}]}
        if kind in ("stream", "cut"):
            body["stream"] = True
        sent = json.dumps(body).encode()
        if kind == "bad body":
            yield kind, request(sent[:-1]), 400
        elif kind == "no key":
            yield kind, head(f"content-length: {len(sent)}", "connection: close", key="sk-no") + sent, 401
        else:
            yield kind, request(sent), 400 if kind == "refused" else 200


async def ask_on(wire: Wire, ask: Ask) -> bool:
    """Whether the connection goes on."""
    kind, sent, status = ask
    await wire.send(sent)
    try:
        got = await wire.reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        raise AssertionError((kind, cut.partial)) from None
    assert int(got[9:12]) == status, (kind, got)
    if b"transfer-encoding: chunked" in got:
        block = b""
        while not block.endswith(b"0\r\n\r\n"):
            piece = await wire.reader.read(65_536)
            if not piece:
                assert kind == "cut"
                return False
            block = block[-8:] + piece
    else:
        length = got.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await wire.reader.readexactly(int(length))
    return b"connection: close" not in got.lower() and kind != "cut"


async def drive(url: str, seed: int, count: int, done: Counter[str]) -> None:
    """One client: requests one after the other, on one connection as long as it lasts."""
    asks = mixed(seed)
    left = count
    while left:
        async with Wire(url) as wire:
            going = True
            while going and left:
                ask = next(asks)
                going = await ask_on(wire, ask)
                done[ask[0]] += 1
                left -= 1


def resident(pid: int) -> int:
    """Bytes of memory a process holds (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def settled(gateway: GatewayProcess) -> tuple[int, int]:
    """Memory and descriptors once the record is written."""
    async with asyncio.timeout(120):
        while (await asyncio.to_thread(gateway.gauges))["synthlang_journal_backlog_bytes"]:
            await asyncio.sleep(0.5)
    await asyncio.sleep(2.0)
    pid = gateway.running.pid
    return resident(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize("requests", [50_000, 200_000])
async def test_memory_and_descriptors_stay_flat_over_mixed_requests(tmp_path: Path, requests: int) -> None:
    done: Counter[str] = Counter()
    async with ScriptedUpstream(answer) as upstream:
        with GatewayProcess(tmp_path, CONFIG.format(url=upstream.url, key=KEY)) as gateway:

            async def some(count: int, seed: int) -> None:
                each = count // AT_ONCE
                await asyncio.gather(
                    *(drive(gateway.url, seed * AT_ONCE + n, each, done) for n in range(AT_ONCE))
                )

            await some(10_000, 0)  # the caches are full, the pools at their size
            before, descriptors = await settled(gateway)
            steps = []
            for step in range(1, 6):
                await some(requests // 5, step)
                steps.append((await settled(gateway))[0] - before)
                upstream.requests.clear()
            _, left = await settled(gateway)
            gauges = await asyncio.to_thread(gateway.gauges)

    told = ", ".join(f"{grown / 1e6:+.1f}" for grown in steps)
    print(f"{dict(done)}; {before / 1e6:.0f} MB, then {told} MB; descriptors {descriptors}, then {left}")
    assert gauges["synthlang_requests_in_flight"] == 0
    assert "unforeseen" not in gateway.errors()
    assert left <= descriptors + AT_ONCE  # as many connections as were in use at once are kept
    assert min(steps[-2:]) < GROWN
