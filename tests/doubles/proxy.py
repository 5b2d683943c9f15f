"""An HTTP proxy: CONNECT opens a tunnel, an absolute request is sent on to one upstream whatever host it names."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType


class Proxy:
    """`heads` are the requests it was sent; `answer` replaces its own answer to CONNECT."""

    def __init__(
        self, upstream_port: int, *, answer: bytes | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.heads: list[str] = []
        self.port = 0
        self._upstream_port = upstream_port
        self._answer = answer
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://user:p%40ss@127.0.0.1:{self.port}"

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode("latin-1"))
            back, there = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            if head.startswith(b"CONNECT "):
                writer.write(self._answer or b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                there.write(_in_origin_form(head))
            await asyncio.gather(_pump(reader, there), _pump(back, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
            if there is not None:
                there.transport.abort()


def _in_origin_form(head: bytes) -> bytes:
    method, target, rest = head.split(b" ", 2)
    return method + b" /" + target.split(b"/", 3)[3] + b" " + rest


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65_536):
        writer.write(block)
        await writer.drain()
    writer.close()
