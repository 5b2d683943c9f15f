"""What our protocol adds to uvicorn's, against the installed uvicorn and a real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from synthlang_router.api.exchange import Receive, Scope, Send
from synthlang_router.api.intake import Intake
from synthlang_router.api.server import GatewayServer, listen
from synthlang_router.ending import HUNG_UP


class Waiting:
    """An app that answers nothing and tells when it was cancelled, and why."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.reason: object = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/now":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})
            return
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancel:
            self.reason = cancel.args[0]
            self.cancelled.set()
            raise


class Running:
    def __init__(self, app: Waiting, port: int) -> None:
        self.app = app
        self.port = port

    async def send(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    assert threading.current_thread() is threading.main_thread()
    app = Waiting()
    intake = Intake(max_body=1000, max_requests=9, max_bytes=9000, body_timeout=1)
    listener = listen("127.0.0.1", 0)
    server = GatewayServer(app, intake, drain_seconds=0, client_timeout=5)
    serving = asyncio.create_task(server.serve_on(listener))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Running(app, listener.getsockname()[1])
    server.stop()
    await serving


async def test_a_hang_up_cancels_the_requests_task_with_its_reason(running: Running) -> None:
    _, writer = await running.send(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
    await running.app.started.wait()

    writer.close()

    await asyncio.wait_for(running.app.cancelled.wait(), 5)
    assert running.app.reason == HUNG_UP


async def test_a_connection_serves_many_requests(running: Running) -> None:
    reader, writer = await running.send(b"GET /now HTTP/1.1\r\nhost: x\r\n\r\n" * 3)

    for _ in range(3):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(2) == b"ok"
    writer.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /now HTTP/1.1\r\n" + b"".join(b"h%d: v\r\n" % n for n in range(200)) + b"\r\n", b"431"),
        (b"GET /now HTTP/1.1\r\nh: " + b"v" * 70_000 + b"\r\n\r\n", b"431"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"POST /now HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", b"400"),
    ],
)
async def test_what_is_not_http_or_too_much_is_refused_in_our_shape(
    running: Running, request_bytes: bytes, status: bytes
) -> None:
    reader, writer = await running.send(request_bytes)

    answer = await asyncio.wait_for(reader.read(), 5)

    assert answer.split()[1] == status
    assert b'"type":"invalid_request_error"' in answer
    assert not running.app.started.is_set()
    writer.close()
