"""What is no answer, and the error it becomes."""

from __future__ import annotations

import pytest

from synthlang_router.errors import ProviderProtocolError, ProviderUnavailable
from synthlang_router.llm_provider.transport import Transport
from tests.contract.transport.calls import ask, fetch
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.upstream import (
    CLOSE,
    HALF_CLOSE,
    RESET,
    STALL,
    Flood,
    ScriptedUpstream,
    Step,
)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "304 Not Modified", "307 Temporary Redirect", "308 Perm"]
)
async def test_a_redirect_is_an_error_and_never_followed(transport: Transport, status: str) -> None:
    async with ScriptedUpstream([[http(b"", status=status, headers=["location: /elsewhere"])]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await transport.send(ask(upstream))

        assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([b"this is not http\r\n\r\n", CLOSE], id="garbage"),
        pytest.param([b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE], id="another protocol"),
        pytest.param([b"HTTP/1.1 200 OK\r\ncontent-le", CLOSE], id="cut in the head"),
        pytest.param([b"HTTP/1.1 200 OK\r\ncontent-le", RESET], id="reset in the head"),
        pytest.param([head("content-length: x"), CLOSE], id="a length that is no number"),
        pytest.param([head("content-length: -1"), CLOSE], id="a negative length"),
        pytest.param([head("content-length: 5", "content-length: 6"), b"hello!", CLOSE], id="two lengths"),
        pytest.param([head("content-length: 5"), b"hel", CLOSE], id="shorter than said"),
        pytest.param([head("content-length: 5"), b"hel", RESET], id="reset in the body"),
        pytest.param([head("transfer-encoding: chunked"), chunk(b"hel"), CLOSE], id="chunked and cut"),
        pytest.param([head("transfer-encoding: chunked"), chunk(b"hel"), RESET], id="chunked and reset"),
        pytest.param([head("transfer-encoding: chunked"), b"zz\r\nhel\r\n", CLOSE], id="no chunk size"),
        pytest.param(
            [head("transfer-encoding: chunked"), b"3\r\nhello\r\n", CLOSE], id="a chunk longer than said"
        ),
        pytest.param(
            [head("transfer-encoding: chunked"), b"f" * 17 + b"\r\n", CLOSE], id="a chunk beyond all size"
        ),
        pytest.param([head(*(f"x-{n}: y" for n in range(5_000))), b"{}", CLOSE], id="a flood of headers"),
        pytest.param([head("x: " + "y" * 200_000), b"{}", CLOSE], id="a header without end"),
        pytest.param(
            [head("upgrade: x", "connection: upgrade", status="101 Switching"), STALL],
            id="another protocol now",
        ),
    ],
)
async def test_what_is_not_a_whole_http_answer_is_a_protocol_error(
    transport: Transport, script: list[Step]
) -> None:
    async with ScriptedUpstream([script]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))


@pytest.mark.parametrize(
    "script", [[CLOSE], [RESET], [HALF_CLOSE, CLOSE]], ids=["close", "reset", "half-close"]
)
async def test_a_new_connection_that_ends_without_a_byte_is_unavailable_and_not_tried_again(
    transport: Transport, script: list[Step]
) -> None:
    async with ScriptedUpstream([script]) as upstream:
        with pytest.raises(ProviderUnavailable):
            await transport.send(ask(upstream))

        assert len(upstream.connections) == 1


async def test_a_closed_port_is_unavailable(transport: Transport) -> None:
    async with ScriptedUpstream([[]]) as upstream:
        request = ask(upstream)

    with pytest.raises(ProviderUnavailable):
        await transport.send(request)


@pytest.mark.parametrize("framing", ["content-length", "chunked", "until the end"])
async def test_a_body_over_its_bound_is_refused_without_reading_it_all(
    transport: Transport, framing: str
) -> None:
    block = b"x" * 65_536
    heads = {
        "content-length": head("content-length: 650000000"),
        "chunked": head("transfer-encoding: chunked"),
        "until the end": head(),
    }
    piece = chunk(block) if framing == "chunked" else block

    async with ScriptedUpstream([[heads[framing], Flood(piece, 10_000)]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))
        await upstream.connections[0].left()

        assert upstream.connections[0].written < 60_000_000


async def test_a_body_without_a_bound_may_be_as_long_as_it_likes(transport: Transport) -> None:
    script: list[Step] = [head("transfer-encoding: chunked"), Flood(chunk(b"x" * 10_000), 300), LAST_CHUNK]

    async with ScriptedUpstream([script]) as upstream:
        assert len(await fetch(transport, ask(upstream, max_body=None))) == 3_000_000
