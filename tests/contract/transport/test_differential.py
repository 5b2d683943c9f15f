"""Two transports, one conversation: what both take for an answer is the same answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.errors import ProviderError
from synthlang_router.llm_provider.transport import Transport
from tests.contract.transport.calls import ask, read_all, sent
from tests.contract.transport.conftest import TRANSPORTS
from tests.doubles.script import CLOSE, Script
from tests.doubles.upstream import ScriptedUpstream
from tests.llm_provider.conversations import broken, conversations, split

Said = tuple[int, bytes, dict[str, str]]


async def said_over(transport: Transport, script: Script) -> Said | None:
    """Status, body and headers; None for an error."""
    async with ScriptedUpstream([script]) as upstream:
        with suppress(ProviderError):
            async with sent(transport, ask(upstream)) as response:
                return response.status, await read_all(response), dict(response.headers)
    return None


async def both(data: bytes, cuts: list[int]) -> tuple[Said | None, Said | None]:
    """What each transport makes of the bytes, one in pieces, the other as they came."""
    aiohttp, stream = TRANSPORTS["aiohttp"](), TRANSPORTS["stream"]()
    try:
        return await said_over(aiohttp, [data, CLOSE]), await said_over(stream, [*split(data, cuts), CLOSE])
    finally:
        await aiohttp.close()
        await stream.close()


@settings(max_examples=100, deadline=None)
@given(conversations(surplus=False), st.lists(st.integers(0, 2_000), max_size=6))
def test_a_well_formed_answer_is_the_same_over_both(data: bytes, cuts: list[int]) -> None:
    theirs, ours = asyncio.run(both(data, cuts))

    assert ours == theirs
    assert ours is not None


@settings(max_examples=150, deadline=None)
@given(broken(), st.lists(st.integers(0, 2_000), max_size=6))
def test_of_a_broken_one_they_never_tell_two_stories(data: bytes, cuts: list[int]) -> None:
    theirs, ours = asyncio.run(both(data, cuts))

    assert ours is None or theirs is None or ours == theirs
