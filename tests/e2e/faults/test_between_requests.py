"""What a fault must not do to anybody else: the next request, an equal one, a later one, another target."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.doubles.answers import SSE_HEAD, completion, error
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import CLOSE, Script, ScriptedUpstream, SeenRequest, Sleep, Until
from tests.e2e.faults.case import GOOD_FRAMES, GOOD_PLAIN, GOOD_STREAM, HEL, ROLE, events
from tests.e2e.faults.raw import PATIENCE, Reply, post

OTHER: Final = "sk-e2e-other-tenant-0123456789"
CONFIG: Final = """\
providers:
  one: {{base_url: "{one}", stream_usage: never}}
  two: {{base_url: "{two}", stream_usage: never}}
models:
  - {{name: m, targets: [{{provider: one, model: m}}]}}
  - {{name: pair, targets: [{{provider: one, model: m}}, {{provider: two, model: m}}]}}
keys:
  - {{name: first, key: {key}, tenant: a, requests_per_minute: 1000000, concurrency: 1000}}
  - {{name: second, key: {other}, tenant: b}}
cache: {{semantic: {{enabled: false}}}}
"""


class Answers:
    """Scripts by number of the question; the list of models is refused. The last script repeats."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = scripts
        self.asked: list[SeenRequest] = []

    def __call__(self, request: SeenRequest) -> Script:
        if request.method == "GET":
            return [error("404 Not Found")]
        self.asked.append(request)
        return self.scripts[min(len(self.asked), len(self.scripts)) - 1]


class Houses:
    """Gateways for single tests, each over one or two scripted providers."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder

    async def open(self, one: ScriptedUpstream, two: ScriptedUpstream | None = None) -> GatewayProcess:
        await self.stack.enter_async_context(one)
        if two is not None:
            await self.stack.enter_async_context(two)
        urls = {"one": one.url, "two": one.url if two is None else two.url}
        gateway = GatewayProcess(self.folder, CONFIG.format(**urls, key=KEY, other=OTHER))
        self.stack.callback(gateway.__exit__, None, None, None)
        await asyncio.to_thread(gateway.start)
        return gateway


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with AsyncExitStack() as stack:
        yield Houses(stack, tmp_path)


async def ask(
    gateway: GatewayProcess, text: str, *, stream: bool = False, key: str = KEY, model: str = "m"
) -> Reply:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
    return await post(gateway.url, json.dumps(body).encode(), {"authorization": f"Bearer {key}"})


async def test_an_answer_that_nobody_asked_for_reaches_nobody_and_ends_its_connection(houses: Houses) -> None:
    upstream = ScriptedUpstream(Answers([[completion("for the first")], [completion("for the second")]]))
    gateway = await houses.open(upstream)

    await ask(gateway, "mine")
    connection = upstream.connections[-1]
    upstream.write_now(connection.number, completion("a secret of somebody else"))
    reply = await ask(gateway, "yours", key=OTHER)

    assert reply.json()["choices"][0]["message"]["content"] == "for the second"
    assert reply.headers["x-synthlang-attempts"] == "1"
    await connection.left()


@pytest.mark.parametrize("patience", [0.0, 0.1])
async def test_a_kept_connection_that_the_provider_closed_is_replaced_unseen(
    houses: Houses, patience: float
) -> None:
    answers = Answers([[GOOD_PLAIN], [Sleep(patience), CLOSE], [GOOD_PLAIN]])
    upstream = ScriptedUpstream(answers)
    gateway = await houses.open(upstream)

    await ask(gateway, "one")
    await upstream.seen(3)  # the lists of models of both providers, over connections that are kept too
    kept = {request.connection for request in upstream.requests}
    reply = await ask(gateway, "two")

    assert (reply.status, reply.headers["x-synthlang-attempts"]) == (200, "1")
    _, second, third = [request.connection for request in answers.asked]
    assert second in kept
    assert third not in kept


async def test_a_fault_is_never_kept_as_an_answer(houses: Houses) -> None:
    cut: Script = [SSE_HEAD + events(ROLE, HEL), CLOSE]
    answers = Answers([cut, [GOOD_STREAM]])
    gateway = await houses.open(ScriptedUpstream(answers))

    first, again, third = [await ask(gateway, "the same", stream=True) for _ in range(3)]

    assert b"provider_protocol_error" in first.events[-1]
    assert again.events == [*GOOD_FRAMES, b"[DONE]"]
    assert [reply.headers["x-cache"] for reply in (first, again, third)] == ["MISS", "MISS", "HIT"]
    assert len(answers.asked) == 2


async def test_equal_requests_at_once_share_one_call_its_data_and_its_fault(houses: Houses) -> None:
    cut_now = asyncio.Event()
    answers = Answers([[SSE_HEAD + events(ROLE, HEL), Until(cut_now), CLOSE]])
    gateway = await houses.open(ScriptedUpstream(answers))

    asking = [asyncio.ensure_future(ask(gateway, "the same", stream=True)) for _ in range(20)]
    async with asyncio.timeout(PATIENCE):
        while not answers.asked or (await gauges(gateway))["synthlang_requests_in_flight"] < len(asking):
            await asyncio.sleep(0.02)
    cut_now.set()
    replies = await asyncio.gather(*asking)

    assert len(answers.asked) == 1
    assert {reply.body for reply in replies} == {replies[0].body}
    assert replies[0].events[:2] == [ROLE, HEL]
    assert b"provider_protocol_error" in replies[0].events[2]
    assert Counter(reply.headers["x-cache"] for reply in replies) == {"MISS": 1, "COALESCED": 19}


async def test_a_client_that_leaves_between_two_tries_ends_the_trying(houses: Houses) -> None:
    answers = Answers([[error("503 X", headers=["retry-after: 4"])], [GOOD_PLAIN]])
    gateway = await houses.open(ScriptedUpstream(answers))

    asking = asyncio.ensure_future(ask(gateway, "gone soon"))
    async with asyncio.timeout(PATIENCE):
        while not answers.asked:
            await asyncio.sleep(0.02)
    asking.cancel()

    async with asyncio.timeout(3):  # the next try would not come before the fourth second
        while (await gauges(gateway))["synthlang_requests_in_flight"]:
            await asyncio.sleep(0.02)
    assert len(answers.asked) == 1


async def test_one_of_two_targets_dies_under_load_and_no_client_hears_of_it(houses: Houses) -> None:
    slowly: Script = [Sleep(0.02), GOOD_PLAIN]
    doomed, well = ScriptedUpstream(Answers([slowly])), ScriptedUpstream(Answers([slowly]))
    gateway = await houses.open(well, doomed)
    turns = asyncio.Semaphore(20)

    async def in_turn(number: int) -> Reply:
        async with turns:
            if number == 150:
                await doomed.__aexit__(None, None, None)
            return await ask(gateway, f"question {number}", model="pair")

    replies = await asyncio.gather(*(in_turn(number) for number in range(400)))

    assert Counter(reply.status for reply in replies) == {200: 400}
    assert len(doomed.requests) > 20
    assert len(well.requests) > 200


async def gauges(gateway: GatewayProcess) -> dict[str, float]:
    return await asyncio.to_thread(gateway.gauges)
