"""A client that sees bytes: one request over a socket of its own, and everything that came back, framing included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PATIENCE: Final = 20.0
"""Seconds until a client that hears nothing calls it a hang; a bound for failing tests, never a measurement."""

_NEXT: Final = b"GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """`framed`: the body ended as its framing says. `goes_on`: the connection answered another request after it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    framed: bool
    goes_on: bool

    @property
    def events(self) -> list[bytes]:
        """The `data:` payloads of a stream; anything else in it is an error of the test's subject."""
        found = []
        for part in self.body.split(b"\n\n")[:-1]:
            assert part.startswith(b"data: "), part[:80]
            found.append(part.removeprefix(b"data: "))
        assert self.body.endswith(b"\n\n"), self.body[-80:]
        return found

    def json(self) -> Any:
        return json.loads(self.body)


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    path: str = "/v1/chat/completions",
    patience: float = PATIENCE,
) -> Reply:
    """Send one request and read everything that belongs to it."""
    host, _, port = url.removeprefix("http://").partition(":")
    async with asyncio.timeout(patience):
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 26)
        try:
            lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
            head = f"POST {path} HTTP/1.1\r\nhost: gateway\r\n{''.join(lines)}"
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            return await _read(reader, writer)
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
    status, headers = await read_head(reader)
    framed = True
    try:
        if headers.get("transfer-encoding") == "chunked":
            body = await _chunks(reader)
        else:
            body = await reader.readexactly(int(headers["content-length"]))
    except asyncio.IncompleteReadError as cut:
        return Reply(status, headers, cut.partial, framed=False, goes_on=False)
    return Reply(status, headers, body, framed, await _goes_on(reader, writer))


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the headers, no name twice."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    assert len(dict(pairs)) == len(pairs), pairs
    return int(first.split()[1]), dict(pairs)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        try:
            size = int(await reader.readuntil(b"\r\n"), 16)
            block = await reader.readexactly(size + 2)
        except asyncio.IncompleteReadError:
            raise asyncio.IncompleteReadError(body, None) from None
        assert block.endswith(b"\r\n")
        body += block[:-2]
        if size == 0:
            return body


async def _goes_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the very next bytes on the connection are the answer to another request; False at its end."""
    try:
        writer.write(_NEXT)
        status, headers = await read_head(reader)
        await reader.readexactly(int(headers["content-length"]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return status == 200
