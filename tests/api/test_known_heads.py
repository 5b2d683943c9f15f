"""Requests for a hot path: by the parser or under a head that is known, the resource gets the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from synthlang_router.api.direct import DirectExchange
from synthlang_router.api.exchange import Receive, Scope, Send
from synthlang_router.api.head import Head
from synthlang_router.api.intake import Intake
from synthlang_router.api.server import GatewayServer, listen
from synthlang_router.ending import HUNG_UP

HEAD = b"POST /hot HTTP/1.1\r\nHost: x\r\nX-Who: %b\r\nContent-Length: %d\r\n\r\n"


class Echo:
    """Answers with what it was sent and by whom; `wait` in a body makes it wait for ever."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.bodies: list[bytes] = []
        self.reasons: list[object] = []
        self.direct = {b"/hot": self.answer}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("a hot path is not asked over ASGI here")

    async def answer(self, exchange: DirectExchange) -> None:
        body = exchange.whole()
        if body is None:
            body, more = b"", True
            while more:
                message = await exchange.receive()
                body, more = body + message["body"], message["more_body"]
        self.heads.append(exchange.head)
        self.bodies.append(body)
        try:
            if b"wait" in body:
                await asyncio.Event().wait()
        except asyncio.CancelledError as cancel:
            self.reasons += cancel.args
            raise
        await exchange.respond(200, [(b"x-who", dict(exchange.head.headers)[b"x-who"])], body)


class Client:
    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, body: bytes, who: bytes = b"me", *, cut: int | None = None) -> tuple[bytes, bytes]:
        """The head that came back without its date, and the body."""
        data = HEAD % (who, len(body)) + body
        self.writer.write(data[:cut])
        if cut is not None:
            await self.writer.drain()
            await asyncio.sleep(0.05)
            self.writer.write(data[cut:])
        return await self.answer()

    async def answer(self) -> tuple[bytes, bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"date:")]
        length = next(int(line[16:]) for line in lines if line.startswith(b"content-length: "))
        return b"\r\n".join(lines), await self.reader.readexactly(length)


@pytest.fixture
async def served() -> AsyncIterator[tuple[Echo, Client]]:
    app = Echo()
    intake = Intake(max_body=100_000, max_requests=9, max_bytes=900_000, body_timeout=None)
    listener = listen("127.0.0.1", 0)
    server = GatewayServer(app, intake, drain_seconds=0, client_timeout=5)
    serving = asyncio.create_task(server.serve_on(listener))
    while not server.started:
        await asyncio.sleep(0.01)
    client = Client(listener.getsockname()[1])
    await client.open()
    yield app, client
    client.writer.close()
    server.stop()
    await serving


async def test_the_same_request_gets_the_same_bytes_by_the_parser_and_under_its_known_head(
    served: tuple[Echo, Client],
) -> None:
    app, client = served

    answers = [await client.ask(b'{"n": 1}') for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert app.heads[1] is app.heads[2]


async def test_a_known_head_brings_its_own_body_and_nothing_of_another_caller(
    served: tuple[Echo, Client],
) -> None:
    app, client = served
    asked = [(b"one", b"a"), (b"a longer body", b"a"), (b"two", b"b"), (b"", b"a"), (b"three", b"b")]

    answers = [await client.ask(body, who) for body, who in asked]

    assert [answer[1] for answer in answers] == [body for body, _ in asked]
    assert [b"x-who: " + who in answer[0] for answer, (_, who) in zip(answers, asked, strict=True)] == [
        True
    ] * 5
    assert len({id(head) for head in app.heads[2:]}) == 3


@pytest.mark.parametrize("cut", [1, 30, 60, 70])
async def test_a_request_that_comes_in_pieces_is_read_by_the_parser(
    served: tuple[Echo, Client], cut: int
) -> None:
    _, client = served
    await client.ask(b"0123456789")

    head, body = await client.ask(b"abcdefghij", cut=cut)

    assert head.startswith(b"HTTP/1.1 200")
    assert body == b"abcdefghij"


async def test_a_hang_up_cancels_a_request_under_a_known_head_with_its_reason(
    served: tuple[Echo, Client],
) -> None:
    app, client = served
    await client.ask(b"be quick")
    client.writer.write(HEAD % (b"me", 7) + b"wait ..")
    while len(app.bodies) < 2:
        await asyncio.sleep(0.01)

    client.writer.close()
    while not app.reasons:
        await asyncio.sleep(0.01)

    assert app.reasons == [HUNG_UP]
