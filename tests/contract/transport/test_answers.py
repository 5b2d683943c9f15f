"""What comes back, however it is framed, cut and packed."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.llm_provider.transport import Transport
from tests.contract.transport.calls import ask, fetch, read_all, sent
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.upstream import (
    CLOSE,
    HALF_CLOSE,
    Pieces,
    ScriptedUpstream,
    Step,
    Until,
)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([http(b'{"ok":true}')], id="content-length"),
        pytest.param([Pieces(http(b'{"ok":true}'))], id="one byte at a time"),
        pytest.param(
            [head("transfer-encoding: chunked"), chunk(b'{"ok"'), chunk(b":true}"), LAST_CHUNK], id="chunked"
        ),
        pytest.param(
            [Pieces(head("Transfer-Encoding: chunked") + chunk(b'{"ok":true}') + LAST_CHUNK)], id="split"
        ),
        pytest.param(
            [head("transfer-encoding: chunked"), b'b;x="y"\r\n{"ok":true}\r\n0\r\nX-T: 1\r\n\r\n'],
            id="trailer",
        ),
        pytest.param([head(), b'{"ok":true}', CLOSE], id="until the connection ends"),
        pytest.param([head(), b'{"ok":true}', HALF_CLOSE, CLOSE], id="until half of it ends"),
        pytest.param([b'HTTP/1.0 200 OK\r\n\r\n{"ok":true}', CLOSE], id="http/1.0"),
        pytest.param([head(status="100 Continue"), http(b'{"ok":true}')], id="100 continue first"),
        pytest.param(
            [head("link: </x>", status="103 Early Hints"), http(b'{"ok":true}')], id="103 early hints first"
        ),
        pytest.param([http(b'{"ok":true}', headers=["connection: close"]), CLOSE], id="connection: close"),
    ],
)
async def test_a_body_is_the_same_however_it_is_framed_and_cut(
    transport: Transport, script: list[Step]
) -> None:
    async with ScriptedUpstream([script]) as upstream, sent(transport, ask(upstream)) as response:
        assert response.status == 200
        assert await read_all(response) == b'{"ok":true}'
        assert await response.read() == b""


async def test_header_names_come_in_lower_case_and_repeated_ones_joined(transport: Transport) -> None:
    answer = http(b"", headers=["X-Request-ID: abc", "Vary: a", "vary: b", "X-Empty:"])

    async with ScriptedUpstream([[answer]]) as upstream, sent(transport, ask(upstream)) as response:
        assert response.headers["x-request-id"] == "abc"
        assert response.headers["vary"] == "a, b"
        assert response.headers["x-empty"] == ""


async def test_an_error_status_is_an_answer_like_any_other(transport: Transport) -> None:
    async with (
        ScriptedUpstream([[http(b"slow down", status="429 Too Many Requests")]]) as upstream,
        sent(transport, ask(upstream)) as response,
    ):
        assert (response.status, await read_all(response)) == (429, b"slow down")


async def test_blocks_are_handed_on_as_they_come(transport: Transport) -> None:
    more = asyncio.Event()
    script: list[Step] = [
        head("transfer-encoding: chunked"),
        chunk(b"first"),
        Until(more),
        chunk(b"second"),
        LAST_CHUNK,
    ]

    async with ScriptedUpstream([script]) as upstream, sent(transport, ask(upstream)) as response:
        assert await response.read() == b"first"
        more.set()
        assert await read_all(response) == b"second"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
async def test_a_compressed_body_nobody_asked_for_is_inflated(transport: Transport, coding: str) -> None:
    plain = b'{"text":"' + b"a lot of it " * 50_000 + b'"}'
    packer = zlib.compressobj(wbits={"gzip": 31, "deflate": 15, "raw deflate": -15}[coding])
    packed = packer.compress(plain) + packer.flush()
    answer = http(packed, headers=[f"content-encoding: {coding.removeprefix('raw ')}"])

    async with ScriptedUpstream([[Pieces(answer, 700)]]) as upstream:
        assert await fetch(transport, ask(upstream)) == plain


async def test_a_cut_compressed_body_is_an_error(transport: Transport) -> None:
    answer = http(gzip.compress(b"something" * 100)[:-9], headers=["content-encoding: gzip"])

    async with ScriptedUpstream([[answer]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))


async def test_a_compression_bomb_is_refused(transport: Transport) -> None:
    answer = http(gzip.compress(bytes(50_000_000)), headers=["content-encoding: gzip"])

    async with ScriptedUpstream([[answer]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))


async def test_a_coding_we_do_not_know_is_refused(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"xx", headers=["content-encoding: br"])]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))
