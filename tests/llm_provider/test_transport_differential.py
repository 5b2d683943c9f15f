"""Both transports make the same of the same bytes, wherever the network cuts them."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.errors import ProviderError
from synthlang_router.llm_provider.transport import Timeouts, Transport, UpstreamRequest
from synthlang_router.llm_provider.transport_aiohttp import AioHttpTransport
from synthlang_router.llm_provider.transport_stream import StreamTransport
from tests.doubles.answers import LAST_CHUNK, SSE_HEAD, chunk, head, http

MOST_BODY: Final = 4_000
PATIENCE: Final = 10.0
"""Seconds until a transport that waits for what never comes fails the test."""

TEXT: Final = '{"text":"häppchen ☕ 𝄞"}'.encode()
EVENTS: Final = (
    b'data: {"choices":[{"index":0,"delta":{"content":"\xe2\x98\x95"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)
STREAM: Final = b"".join(EVENTS)
CHUNKED: Final = head("content-type: application/json", "Transfer-Encoding: chunked")


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


class Recorded(msgspec.Struct, frozen=True):
    """What a provider sent before it closed; `body` is what a reader may be given of it, whole or from the start."""

    sent: bytes
    body: bytes
    oracle: bool = True
    """Whether aiohttp can be asked: on a chunk size that goes wrong in a later packet it waits for the idle time."""


ANSWERS: Final[Mapping[str, Recorded]] = {
    "content-length": Recorded(http(TEXT), TEXT),
    "no body": Recorded(http(b""), b""),
    "204": Recorded(head("x-request-id: 1", status="204 No Content"), b""),
    "an error": Recorded(http(TEXT, status="429 Too Many Requests", headers=["Retry-After: 7"]), TEXT),
    "repeated names": Recorded(http(TEXT, headers=["Vary: a", "vary: b", "X-Empty:", "x-s:  t  "]), TEXT),
    "connection: close": Recorded(http(TEXT, headers=["Connection: close"]), TEXT),
    "chunked": Recorded(CHUNKED + chunk(TEXT[:5]) + chunk(TEXT[5:]) + LAST_CHUNK, TEXT),
    "chunk extensions": Recorded(CHUNKED + b'19;a;b="c d"\r\n' + TEXT[:25] + b"\r\n" + LAST_CHUNK, TEXT[:25]),
    "trailers": Recorded(CHUNKED + chunk(TEXT) + b"0\r\nx-sum: 1\r\nx-t: 2\r\n\r\n", TEXT),
    "event stream": Recorded(SSE_HEAD + b"".join(map(chunk, EVENTS)) + LAST_CHUNK, STREAM),
    "until the end": Recorded(head("content-type: text/event-stream") + STREAM, STREAM),
    "http/1.0": Recorded(b"HTTP/1.0 200 OK\r\nserver: x\r\n\r\n" + TEXT, TEXT),
    "interim answers": Recorded(
        head(status="100 Continue") + head("link: </x>", status="103 Early Hints") + http(TEXT), TEXT
    ),
    "compressed": Recorded(http(_deflated(TEXT), headers=["Content-Encoding: gzip"]), TEXT),
    "cut content-length": Recorded(http(TEXT)[:-3], TEXT),
    "cut chunk": Recorded(CHUNKED + chunk(TEXT[:9]) + b"9\r\nfoo", TEXT[:9] + b"foo"),
    "cut before the last chunk": Recorded(CHUNKED + chunk(TEXT), TEXT),
    "cut head": Recorded(b"HTTP/1.1 200 OK\r\ncontent-le", b""),
    "cut compressed": Recorded(http(_deflated(TEXT)[:-9], headers=["content-encoding: gzip"]), TEXT),
    "not http": Recorded(b"SSH-2.0-OpenSSH_9.2\r\n", b""),
    "nothing": Recorded(b"", b""),
    "two lengths": Recorded(head("content-length: 5", "content-length: 6") + b"hello!", b""),
    "length and chunked": Recorded(
        head("content-length: 3", "transfer-encoding: chunked") + chunk(b"abc") + LAST_CHUNK, b""
    ),
    "negative length": Recorded(head("content-length: -1"), b""),
    "no chunk size": Recorded(CHUNKED + b"zz\r\nabc\r\n", b"", oracle=False),
    "endless chunk size": Recorded(CHUNKED + b"f" * 17 + b"\r\n", b"", oracle=False),
    "redirect": Recorded(http(TEXT, status="302 Found", headers=["location: /x"]), b""),
    "another protocol": Recorded(head("upgrade: x", "connection: upgrade", status="101 Switching"), b""),
    "a coding with a space after it, and cut": Recorded(
        head("transfer-encoding: chunked ") + chunk(TEXT), TEXT + b"?"
    ),
    "too large by its head": Recorded(head(f"content-length: {MOST_BODY + 1}"), b""),
    "too large by its chunks": Recorded(
        CHUNKED + chunk(b"x" * MOST_BODY) + chunk(b"x") + LAST_CHUNK, b"x" * (MOST_BODY + 1)
    ),
}


class Outcome(msgspec.Struct, frozen=True):
    """What became of one request. `body` is what had been read when it ended."""

    status: int
    headers: frozenset[tuple[str, str]]
    body: bytes
    error: str | None


class _Player(asyncio.Protocol):
    """Answers what it is asked with `pieces`, each in a packet of its own, and closes."""

    def __init__(self, pieces: Sequence[bytes], players: set[asyncio.Task[None]]) -> None:
        self._pieces = pieces
        self._players = players

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"{}"):  # the request is whole
            self._players.add(asyncio.get_running_loop().create_task(self._play()))

    async def _play(self) -> None:
        for piece in self._pieces:
            self._transport.write(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # the reader's turn
        self._transport.close()


async def _replayed(make: Callable[[], Transport], pieces: Sequence[bytes]) -> Outcome:
    players: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Player(pieces, players), "127.0.0.1", 0)
    transport = make()
    try:
        async with asyncio.timeout(PATIENCE):
            return await _asked(transport, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    finally:
        await transport.close()
        server.close()
        await asyncio.gather(*players)
        await server.wait_closed()


async def _asked(transport: Transport, url: str) -> Outcome:
    request = UpstreamRequest(
        "POST", url, (("accept", "*/*"),), b"{}", Timeouts(), time.monotonic() + 2 * PATIENCE, MOST_BODY
    )
    status, headers, read = 0, frozenset[tuple[str, str]](), bytearray()
    try:
        response = await transport.send(request)
        try:
            status, headers = response.status, frozenset(response.headers.items())
            while block := await response.read():
                read += block
        finally:
            response.close()
    except ProviderError as error:
        return Outcome(status, headers, bytes(read), type(error).__name__)
    return Outcome(status, headers, bytes(read), None)


def _cut(data: bytes, at: set[int]) -> list[bytes]:
    edges = [0, *sorted(edge for edge in at if 0 < edge < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def _judge(recorded: Recorded, pieces: Sequence[bytes]) -> None:
    with asyncio.Runner() as runner:
        ours = runner.run(_replayed(StreamTransport, pieces))
        theirs = runner.run(_replayed(AioHttpTransport, pieces)) if recorded.oracle else None
    for outcome in (ours, theirs or ours):
        assert recorded.body.startswith(outcome.body)
        assert outcome.error is not None or outcome.body == recorded.body
    if theirs is None:
        assert ours.error == "ProviderProtocolError"
    else:
        assert _essence(ours) == _essence(theirs)


def _essence(outcome: Outcome) -> tuple[object, ...]:
    """How much of a broken answer is handed on before the error, and whether its head is, depends on the packets."""
    if outcome.error is not None:
        return (outcome.error,)
    return (outcome.status, outcome.headers, outcome.body)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_comes_byte_by_byte_is_the_same_for_both(name: str) -> None:
    recorded = ANSWERS[name]
    size = max(1, len(recorded.sent) // 400)  # byte by byte but for the few long ones

    _judge(recorded, _cut(recorded.sent, set(range(0, len(recorded.sent), size))))


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(sorted(ANSWERS)), st.sets(st.integers(1, 600), max_size=6))
def test_what_is_cut_anywhere_is_the_same_for_both(name: str, at: set[int]) -> None:
    recorded = ANSWERS[name]

    _judge(recorded, _cut(recorded.sent, at))
