"""A provider made of raw TCP: it plays scripts byte for byte, and keeps a log of what it saw and when it was left.

    async with ScriptedUpstream([[completion("Hi")], [SSE_HEAD, frame("He"), RESET]]) as upstream:
        ... POST to upstream.url + "/chat/completions"; the bytes are from tests/doubles/answers.py ...
        assert upstream.requests[0].json()["model"] == "gpt-4o-mini"
        await upstream.connections[0].left()

One script answers one request, in order of arrival over all connections; the last one repeats. A callable may choose
the script from the request. A script that does not close leaves the connection open for the next request.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, cast

from tests.doubles.script import (
    CLOSE,
    HALF_CLOSE,
    RESET,
    STALL,
    Control,
    Flood,
    Pieces,
    Script,
    Sleep,
    Step,
    Until,
)

__all__ = [
    "CLOSE",
    "HALF_CLOSE",
    "RESET",
    "STALL",
    "Flood",
    "Pieces",
    "Script",
    "ScriptedUpstream",
    "Scripts",
    "SeenConnection",
    "SeenRequest",
    "Sleep",
    "Step",
    "Until",
]

PATIENCE: Final = 10.0
"""Seconds a test waits for what must happen; a bound for hanging tests, never a measurement."""


Scripts = Sequence[Script] | Callable[["SeenRequest"], Script]


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it came. `headers` in order, names as written; `connection` counts accepted connections from 0."""

    connection: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, None where it did not come."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class SeenConnection:
    """One accepted connection: `how` the peer left it is None while it is there; `ended` is set once it is closed."""

    number: int
    requests: list[SeenRequest] = field(default_factory=list)
    how: Literal["eof", "lost"] | None = None
    written: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def left(self) -> None:
        """Wait until the peer has closed or reset."""
        await asyncio.wait_for(self.gone.wait(), PATIENCE)


class ScriptedUpstream:
    """`greeting` is played on every new connection before its first request (accept and reset, a premature answer).

    With `reads` False nothing that the peer sends is ever read; with `bodies` False a script begins when the head of
    its request is in (and must not leave the connection open).
    """

    def __init__(
        self,
        scripts: Scripts,
        *,
        greeting: Script = (),
        reads: bool = True,
        bodies: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[SeenRequest] = []
        self.connections: list[SeenConnection] = []
        self.greeting = greeting
        self.reads = reads
        self.bodies = bodies
        self.port = 0
        self._scripts = scripts
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[_Connection] = set()
        self._news = asyncio.Condition()

    @property
    def origin(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """What a provider's base_url is: with /v1."""
        return f"{self.origin}/v1"

    def write_now(self, connection: int, data: bytes) -> None:
        """Put bytes into the kernel before anybody's event loop gets another turn."""
        os.write(next(open_.fileno() for open_ in self._open if open_.number == connection), data)

    async def seen(self, count: int) -> None:
        """Wait until so many requests have come in whole."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(self.requests) >= count), PATIENCE)

    def script_for(self, request: SeenRequest) -> Script:
        if callable(self._scripts):
            return self._scripts(request)
        return self._scripts[min(len(self.requests), len(self._scripts)) - 1]

    async def saw(self, connection: SeenConnection, request: SeenRequest) -> None:
        connection.requests.append(request)
        self.requests.append(request)
        async with self._news:
            self._news.notify_all()

    def opened(self, connection: _Connection) -> SeenConnection:
        seen = SeenConnection(len(self.connections))
        self.connections.append(seen)
        self._open.add(connection)
        return seen

    def closed(self, connection: _Connection) -> None:
        self._open.discard(connection)

    async def __aenter__(self) -> ScriptedUpstream:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        players = [connection.leave() for connection in tuple(self._open)]
        results = await asyncio.gather(*players, return_exceptions=True)
        await self._server.wait_closed()
        for result in results:
            if error is None and isinstance(result, Exception):
                raise result


class _Connection(asyncio.Protocol):
    """Reads requests in callbacks, so that a peer's leaving is seen at once; one task plays."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._upstream = upstream
        self._bytes = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._buffer = bytearray()
        self._transport: asyncio.Transport
        self._seen: SeenConnection
        self._player: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._seen = self._upstream.opened(self)
        if not self._upstream.reads:
            self._transport.pause_reading()
        self._player = asyncio.get_running_loop().create_task(self._play())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._bytes.set()

    def eof_received(self) -> bool:
        self._peer_left("eof")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._peer_left("lost")
        self._seen.ended.set()
        self._upstream.closed(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _peer_left(self, how: Literal["eof", "lost"]) -> None:
        if self._seen.how is None:
            self._seen.how = how
        self._seen.gone.set()
        self._bytes.set()
        self._writable.set()

    @property
    def number(self) -> int:
        return self._seen.number

    def fileno(self) -> int:
        descriptor: int = self._transport.get_extra_info("socket").fileno()
        return descriptor

    async def leave(self) -> None:
        """The test is over."""
        self._player.cancel()
        try:
            await self._player
        except asyncio.CancelledError:
            pass
        finally:
            self._transport.abort()

    async def _play(self) -> None:
        if not await self._perform(self._upstream.greeting):
            return
        while (request := await self._request()) is not None:
            await self._upstream.saw(self._seen, request)
            if not await self._perform(self._upstream.script_for(request)):
                return
        self._transport.close()

    async def _request(self) -> SeenRequest | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not await self._more():
                return None
        first, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        if not self._upstream.bodies:
            length = 0
        while len(self._buffer) < end + 4 + length:
            if not await self._more():
                return None
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        return SeenRequest(self._seen.number, method, target, headers, body)

    async def _more(self) -> bool:
        if self._seen.how is not None:
            return False
        self._bytes.clear()
        await self._bytes.wait()
        return True

    async def _perform(self, script: Script) -> bool:
        """Whether the connection is still open afterwards."""
        for step in script:
            if self._seen.how is not None:
                return False
            if isinstance(step, Control):
                if not await self._control(step):
                    return False
            else:
                await self._step(step)
        return True

    async def _control(self, step: Control) -> bool:
        if step is HALF_CLOSE:
            self._transport.write_eof()
            return True
        if step is STALL:
            await self._seen.gone.wait()
            return False
        if step is RESET:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            return False
        self._transport.close()
        return False

    async def _step(self, step: bytes | Sleep | Pieces | Flood | Until) -> None:
        if isinstance(step, bytes):
            await self._write(step)
        elif isinstance(step, Pieces):
            for start in range(0, len(step.data), step.size):
                await self._write(step.data[start : start + step.size])
                await asyncio.sleep(0)
        elif isinstance(step, Flood):
            for _ in range(step.times):
                if self._seen.how is not None:
                    break
                await self._write(step.block)
                await asyncio.sleep(0)
        else:
            await self._pause(step)

    async def _pause(self, step: Sleep | Until) -> None:
        event = self._seen.gone if isinstance(step, Sleep) else step.event
        waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._seen.gone.wait())]
        seconds = step.seconds if isinstance(step, Sleep) else PATIENCE
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()

    async def _write(self, data: bytes) -> None:
        await self._writable.wait()
        if self._seen.how is None:
            self._transport.write(data)
            self._seen.written += len(data)
