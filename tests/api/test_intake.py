"""Bodies are read whole, and everything about them is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

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


async def test_an_unknown_encoding_is_415() -> None:
    with pytest.raises(UnsupportedEncoding):
        intake().plain(b"x", [(b"content-encoding", b"br")])
