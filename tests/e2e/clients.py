"""A client of bytes on one connection, and a gateway for it to try its ways on."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.doubles.answers import error
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import Script, ScriptedUpstream, SeenConnection, SeenRequest
from tests.e2e.faults.raw import PATIENCE, read_head

BODY: Final = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
PATH: Final = "/v1/chat/completions"
CONFIG: Final = """\
providers: {{upstream: {{base_url: "{url}", stream_usage: never}}}}
models: [{{name: m, targets: [{{provider: upstream, model: m}}]}}]
keys: [{{name: e2e, key: {key}, requests_per_minute: 1000000, concurrency: 1000}}]
cache: {{semantic: {{enabled: false}}, exact: {{enabled: false}}}}
server: {{client_timeout: {client_timeout}, max_body_bytes: 2000000{server}}}
"""


class Wire:
    """`async with Wire(url) as wire: ...`; everything is bounded by `PATIENCE`. `window` bounds what lies unread."""

    def __init__(self, url: str, *, window: int = 1 << 20) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = (host, int(port))
        self._window = window

    async def __aenter__(self) -> Self:
        knocking = socket.socket()
        knocking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window)
        knocking.setblocking(False)
        await asyncio.get_running_loop().sock_connect(knocking, self._address)
        self.reader, self.writer = await asyncio.open_connection(sock=knocking, limit=self._window)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), PATIENCE)

    async def reply(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer with a content-length."""
        async with asyncio.timeout(PATIENCE):
            status, headers = await read_head(self.reader)
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", "0")))

    async def rest(self) -> bytes:
        """Everything up to the end of the connection, however it ended."""
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while part := await self.reader.read(65_536):
                    parts.append(part)
        except ConnectionError:
            pass
        return b"".join(parts)


def head(*lines: str, path: str = PATH, method: str = "POST", key: str = KEY) -> bytes:
    """The head of a request, with a host, a key and these lines."""
    first = [f"{method} {path} HTTP/1.1", "host: gateway", f"authorization: Bearer {key}"]
    return "\r\n".join([*first, *lines, "", ""]).encode("latin-1")


def request(body: bytes = BODY, *lines: str, **more: str) -> bytes:
    """A whole request with its content-length."""
    return head(f"content-length: {len(body)}", *lines, **more) + body


def error_in(body: bytes) -> dict[str, Any]:
    """The error of an answer in OpenAI's shape, which it must have."""
    outer = json.loads(body)
    assert list(outer) == ["error"]
    inner: dict[str, Any] = outer["error"]
    assert set(inner) == {"message", "type", "param", "code"}
    return inner


class Tried:
    """A gateway and its provider; `asked` are the questions that got through."""

    def __init__(self, script: Callable[[SeenRequest], Script]) -> None:
        self.script = script
        self.asked: list[SeenRequest] = []
        self.upstream = ScriptedUpstream(self._answer)
        self.gateway: GatewayProcess

    def _answer(self, request: SeenRequest) -> Script:
        if request.method == "GET":
            return [error("404 Not Found")]
        self.asked.append(request)
        return self.script(request)

    def wire(self, **more: int) -> Wire:
        return Wire(self.gateway.url, **more)

    async def was_asked(self, count: int) -> SeenConnection:
        """Wait until so many questions got through; the connection of the last one."""
        async with asyncio.timeout(PATIENCE):
            while len(self.asked) < count:
                await asyncio.sleep(0.02)
        return self.upstream.connections[self.asked[-1].connection]

    async def asked_by(self, user: str) -> SeenRequest:
        """Wait until the question of this `user` got through."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for seen in reversed(self.asked):
                    if seen.json().get("user") == user:
                        return seen
                await asyncio.sleep(0.005)

    async def until_idle(self) -> None:
        """Wait until no request is in flight."""
        async with asyncio.timeout(PATIENCE):
            while (await asyncio.to_thread(self.gateway.gauges))["synthlang_requests_in_flight"]:
                await asyncio.sleep(0.02)

    def resident(self) -> int:
        """Bytes of memory that the gateway's process holds (Linux)."""
        status = Path(f"/proc/{self.gateway.running.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


@asynccontextmanager
async def tried_gateway(
    folder: Path, script: Callable[[SeenRequest], Script], *, client_timeout: float, **server: float
) -> AsyncIterator[Tried]:
    """`server` are further settings of that section."""
    tried = Tried(script)
    async with tried.upstream:
        more = "".join(f", {name}: {value}" for name, value in server.items())
        config = CONFIG.format(url=tried.upstream.url, key=KEY, client_timeout=client_timeout, server=more)
        tried.gateway = GatewayProcess(folder, config)
        await asyncio.to_thread(tried.gateway.start)
        try:
            yield tried
        finally:
            if tried.gateway.running.poll() is None:
                await asyncio.to_thread(tried.gateway.end)
