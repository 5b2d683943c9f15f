"""Clients that leave, in each way and at each moment: the provider is left within a second, the slot is free, a row says so."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio

from tests.doubles.answers import SSE_HEAD, head
from tests.doubles.upstream import STALL, Script, SeenRequest, Sleep
from tests.doubles.waiting import eventually
from tests.e2e.clients import Tried, Wire, request, tried_gateway
from tests.e2e.faults.case import GOOD_BODY, HEL, LO, ROLE, events

SOON: Final = 1.0
"""Seconds within which a provider is left; judged by the long run alone, which runs by itself."""
ROUNDS: Final = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """What the provider does to the request that is left, and what the client reads of it before it leaves."""

    script: Script
    stream: bool = True
    until: bytes = b""
    behind: bytes = b""


HALF: Final = head("content-type: application/json", f"content-length: {len(GOOD_BODY)}") + GOOD_BODY[:100]
TALK: Final[Script] = [
    SSE_HEAD + events(ROLE, HEL),
    *(step for _ in range(500) for step in (Sleep(0.02), events(LO))),
]

MOMENTS: Final = {
    "before the provider's headers": Moment([STALL]),
    "after the provider's headers": Moment([SSE_HEAD, STALL]),
    "before the first data": Moment([SSE_HEAD + events(ROLE), STALL]),
    "after the first data": Moment([SSE_HEAD + events(ROLE, HEL), STALL], until=HEL),
    "while data comes": Moment(TALK, until=LO),
    "before a whole answer": Moment([STALL], stream=False),
    "inside a whole answer": Moment([HALF, STALL], stream=False),
    "while another request waits behind": Moment([STALL], stream=False, behind=request()),
    "while a part of another request waits behind": Moment([STALL], stream=False, behind=request()[:40]),
}


def close(wire: Wire) -> None:
    """FIN, and everything that still comes is answered with RST."""
    wire.writer.close()


def reset(wire: Wire) -> None:
    """RST at once."""
    raw = wire.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.writer.transport.abort()


def half_close(wire: Wire) -> None:
    """FIN, and the client would still read."""
    wire.writer.write_eof()


WAYS: Final[dict[str, Callable[[Wire], None]]] = {
    "closes": close,
    "resets": reset,
    "half-closes": half_close,
}


def scripted(asked: SeenRequest) -> Script:
    """The script of the moment that the question names."""
    return MOMENTS[asked.json()["messages"][-1]["content"]].script


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tried(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    async with tried_gateway(tmp_path_factory.mktemp("hang_ups"), scripted, client_timeout=60) as opened:
        yield opened


def question(name: str, request_id: str) -> bytes:
    moment = MOMENTS[name]
    messages = [{"role": "user", "content": name}]
    body = {"model": "m", "stream": moment.stream, "messages": messages, "user": request_id}
    return request(json.dumps(body).encode(), f"x-request-id: {request_id}") + moment.behind


async def leave(tried: Tried, name: str, way: str, request_id: str) -> float:
    """Ask, leave at the moment in the way, and wait until the provider is left: seconds."""
    moment = MOMENTS[name]
    async with tried.wire() as wire:
        await wire.send(question(name, request_id))
        if moment.until:
            await asyncio.wait_for(wire.reader.readuntil(moment.until), 20)
        else:
            await tried.asked_by(request_id)
            await asyncio.sleep(0.05)  # what the provider sends first has come
        asked = await tried.asked_by(request_id)
        loop = asyncio.get_running_loop()
        left = loop.time()
        WAYS[way](wire)
        await tried.upstream.connections[asked.connection].left()
        return loop.time() - left


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MOMENTS)
async def test_a_client_that_leaves_ends_the_call_frees_its_slot_and_has_a_row(
    tried: Tried, name: str, way: str
) -> None:
    request_id = f"{name} {way}".replace(" ", "-")

    await leave(tried, name, way, request_id)
    await tried.until_idle()

    rows = await eventually(
        tried.gateway.rows, lambda rows: any(row["request_id"] == request_id for row in rows)
    )
    assert [row["outcome"] for row in rows if row["request_id"] == request_id] == ["abandoned"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_client_that_leaves_inside_its_body_costs_no_call(tried: Tried) -> None:
    asked = len(tried.asked)
    async with tried.wire() as wire:
        await wire.send(question("before the first data", "cut")[:-5])
        await asyncio.sleep(0.1)
    await tried.until_idle()

    assert len(tried.asked) == asked


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="module")
async def test_hundreds_that_leave_are_all_noticed_within_a_second(tried: Tried) -> None:
    took: list[float] = []
    for number in range(ROUNDS):
        together = [
            leave(tried, name, way, f"{number}-{name}-{way}".replace(" ", "-"))
            for name in MOMENTS
            for way in WAYS
        ]
        took += await asyncio.gather(*together)
    await tried.until_idle()
    rows = await eventually(tried.gateway.rows, lambda rows: len(rows) >= len(took))

    print(f"{len(took)} hang-ups, the slowest noticed after {max(took) * 1000:.0f} ms")
    assert len(took) >= 200
    assert max(took) < SOON
    assert Counter(row["outcome"] for row in rows)["abandoned"] >= len(took)
