"""Bodies are read whole, and everything about them is bounded."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import MutableMapping
from typing import Any

import pytest
import zstandard

from synthlang_router.api.headers import encoding_of
from synthlang_router.api.intake import HungUp, Intake
from synthlang_router.errors import ClientTimeout, Overloaded, RequestTooLarge, UnsupportedEncoding


def intake(**changed: Any) -> Intake:
    return Intake(**{"max_body": 1000, "max_requests": 2, "max_bytes": 1500, "body_timeout": 5.0, **changed})


class Messages:
    """What an ASGI server would say, one message a call; then nothing ever again."""

    def __init__(self, *parts: bytes, disconnect: bool = False) -> None:
        self.messages = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) - 1 or disconnect}
            for number, part in enumerate(parts)
        ]
        if disconnect:
            self.messages.append({"type": "http.disconnect"})

    async def __call__(self) -> MutableMapping[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)


async def test_a_body_in_pieces_is_joined_and_counted_until_it_leaves() -> None:
    house = intake()
    house.admit()

    body = await house.read([], Messages(b"ab", b"", b"cd"))

    assert (body, house.bytes, house.requests) == (b"abcd", 4, 1)
    house.leave(len(body))
    assert (house.bytes, house.requests) == (0, 0)


@pytest.mark.parametrize("parts", [[b"x" * 600, b"x" * 600], [b"x" * 1001]])
async def test_a_body_over_the_limit_is_413(parts: list[bytes]) -> None:
    declared = [(b"content-length", str(sum(map(len, parts))).encode())]

    with pytest.raises(RequestTooLarge):
        await intake().read(declared if len(parts) == 1 else [], Messages(*parts))


async def test_bytes_in_flight_are_bounded_over_all_requests() -> None:
    house = intake()
    await house.read([], Messages(b"x" * 900))

    with pytest.raises(Overloaded):
        await house.read([], Messages(b"x" * 900))


async def test_requests_in_flight_are_bounded_and_draining_lets_nobody_in() -> None:
    house = intake()
    house.admit()
    house.admit()

    with pytest.raises(Overloaded):
        house.admit()
    house.leave(0)
    house.draining = True
    with pytest.raises(Overloaded):
        house.admit()
    assert house.requests == 1


async def test_a_body_that_does_not_come_is_408() -> None:
    with pytest.raises(ClientTimeout):
        await intake(body_timeout=0.01).read([], Messages())


async def test_a_client_that_leaves_while_sending_is_noticed() -> None:
    with pytest.raises(HungUp):
        await intake().read([], Messages(b"x", disconnect=True))


async def test_bytes_count_while_they_come_and_no_longer_when_they_are_refused() -> None:
    house = intake(max_bytes=1000)
    coming = asyncio.ensure_future(house.read([], Messages(b"x" * 600, disconnect=True)))
    waiting = asyncio.ensure_future(house.read([], Pausing(b"x" * 300)))
    await asyncio.sleep(0)
    with pytest.raises(HungUp):
        await coming
    assert house.bytes == 300

    with pytest.raises(Overloaded):
        await house.read([], Messages(b"x" * 800))
    waiting.cancel()
    await asyncio.wait([waiting])
    assert house.bytes == 0


class Pausing(Messages):
    """One piece, and nothing after it."""

    def __init__(self, part: bytes) -> None:
        super().__init__(part, disconnect=True)
        self.messages.pop()


@pytest.mark.parametrize(
    "lines", [[b"br"], [b"gzip, gzip"], [b"gzip", b"gzip"], [b"identity, gzip"], [b"deflate"], [b"compress"]]
)
def test_codings_that_are_not_read_are_415(lines: list[bytes]) -> None:
    encoding = encoding_of([(b"content-encoding", line) for line in lines])

    with pytest.raises(UnsupportedEncoding):
        intake().plain(b"x", encoding)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_what_inflates_over_the_limit_is_413(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstandard.compress

    assert intake().plain(pack(b"x" * 1000), encoding) == b"x" * 1000
    with pytest.raises(RequestTooLarge):
        intake().plain(pack(b"x" * 1001), encoding)
