"""The Transport port, over every implementation: what a provider may do on the wire and what we make of it."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest

from synthlang_router.errors import ProviderProtocolError, ProviderTimeout, ProviderUnavailable
from synthlang_router.llm_provider.transport import Timeouts, Transport, UpstreamRequest, UpstreamResponse
from synthlang_router.llm_provider.transport_aiohttp import AioHttpTransport
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.upstream import (
    CLOSE,
    HALF_CLOSE,
    RESET,
    STALL,
    Flood,
    Pieces,
    ScriptedUpstream,
    Sleep,
    Step,
    Until,
)

TRANSPORTS: Final[Mapping[str, Callable[[], Transport]]] = {"aiohttp": AioHttpTransport}
SOON: Final = 0.15
"""A limit that is meant to strike."""


@pytest.fixture(params=sorted(TRANSPORTS))
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made = TRANSPORTS[request.param]()
    yield made
    await made.close()


def ask(
    upstream: ScriptedUpstream,
    body: bytes = b"{}",
    *,
    connect: float = 5.0,
    first_token: float = 5.0,
    idle: float = 5.0,
    total: float = 30.0,
    max_body: int | None = 1_000_000,
    path: str = "/chat/completions",
) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=upstream.url + path,
        headers=(("content-type", "application/json"), ("accept", "*/*"), ("accept-encoding", "identity")),
        body=body,
        timeouts=Timeouts(connect, first_token, idle, total),
        deadline=time.monotonic() + total,
        max_body=max_body,
    )


async def read_all(response: UpstreamResponse) -> bytes:
    blocks = []
    while block := await response.read():
        blocks.append(block)
    return b"".join(blocks)


@asynccontextmanager
async def sent(transport: Transport, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
    response = await transport.send(request)
    try:
        yield response
    finally:
        response.close()


async def fetch(transport: Transport, request: UpstreamRequest) -> bytes:
    async with sent(transport, request) as response:
        return await read_all(response)


# What goes up


async def test_a_request_goes_out_with_its_headers_its_body_and_nothing_that_was_not_given(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        await fetch(transport, ask(upstream, b'{"a":1}', path="/chat/completions?api-version=1&x=%2F"))

        seen = upstream.requests[0]
    assert (seen.method, seen.target) == ("POST", "/v1/chat/completions?api-version=1&x=%2F")
    assert seen.body == b'{"a":1}'
    assert sorted((name.lower(), value) for name, value in seen.headers) == [
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("content-length", "7"),
        ("content-type", "application/json"),
        ("host", f"127.0.0.1:{upstream.port}"),
    ]


async def test_a_large_body_arrives_whole(transport: Transport) -> None:
    body = bytes(range(256)) * 20_000

    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        await fetch(transport, ask(upstream, body))

        assert upstream.requests[0].body == body


async def test_a_cookie_that_a_provider_sets_is_never_sent_back(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}", headers=["set-cookie: a=b; Path=/"])]]) as upstream:
        await fetch(transport, ask(upstream))
        await fetch(transport, ask(upstream))

        assert upstream.requests[1].header("cookie") is None


# What comes back


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


# What is no answer


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


# Time


async def test_an_upstream_that_never_answers_is_given_up_after_the_first_token_time(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[STALL]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await transport.send(ask(upstream, first_token=SOON))
        await upstream.connections[0].left()

    assert caught.value.phase == "first_token"


async def test_headers_alone_are_no_first_token(transport: Transport) -> None:
    async with (
        ScriptedUpstream([[head("transfer-encoding: chunked"), STALL]]) as upstream,
        sent(transport, ask(upstream, first_token=SOON)) as response,
    ):
        with pytest.raises(ProviderTimeout) as caught:
            await response.read()

    assert caught.value.phase == "first_token"


async def test_a_stall_between_blocks_is_given_up_after_the_idle_time(transport: Transport) -> None:
    async with (
        ScriptedUpstream([[head("transfer-encoding: chunked"), chunk(b"hello"), STALL]]) as upstream,
        sent(transport, ask(upstream, idle=SOON)) as response,
    ):
        assert await response.read() == b"hello"
        with pytest.raises(ProviderTimeout) as caught:
            await response.read()

    assert caught.value.phase == "idle"


async def test_blocks_that_keep_coming_keep_the_idle_time_away(transport: Transport) -> None:
    steps: list[Step] = [step for _ in range(8) for step in (Sleep(SOON / 3), chunk(b"x"))]

    async with ScriptedUpstream([[head("transfer-encoding: chunked"), *steps, LAST_CHUNK]]) as upstream:
        assert await fetch(transport, ask(upstream, idle=SOON)) == b"x" * 8


async def test_the_deadline_ends_an_answer_that_still_flows(transport: Transport) -> None:
    steps: list[Step] = [step for _ in range(500) for step in (Sleep(0.01), chunk(b"x"))]

    async with ScriptedUpstream([[head("transfer-encoding: chunked"), *steps]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await fetch(transport, ask(upstream, total=2 * SOON))
        await upstream.connections[0].left()

    assert caught.value.phase == "total"


async def test_a_deadline_that_has_passed_sends_nothing(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await transport.send(ask(upstream, total=-1.0))

        assert upstream.connections == []
    assert caught.value.phase == "total"


async def test_a_slow_reader_is_not_the_providers_fault(transport: Transport) -> None:
    script: list[Step] = [head("transfer-encoding: chunked"), chunk(b"a"), chunk(b"b"), LAST_CHUNK]

    async with (
        ScriptedUpstream([script]) as upstream,
        sent(transport, ask(upstream, idle=SOON)) as response,
    ):
        first = await response.read()
        await asyncio.sleep(3 * SOON)
        assert first + await read_all(response) == b"ab"


async def test_an_upstream_that_does_not_read_the_request_is_given_up(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]], greeting=[STALL], reads=False) as upstream:
        with pytest.raises(ProviderTimeout):
            await transport.send(ask(upstream, b"x" * 30_000_000, first_token=3 * SOON))


# Who holds the connection


async def test_a_whole_answer_leaves_its_connection_for_the_next_request(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        for _ in range(5):
            await fetch(transport, ask(upstream))

        assert (len(upstream.requests), len(upstream.connections)) == (5, 1)


async def test_two_requests_at_once_have_a_connection_each(transport: Transport) -> None:
    more = asyncio.Event()

    async with ScriptedUpstream([[Until(more), http(b"{}")]]) as upstream:
        both = asyncio.gather(*(fetch(transport, ask(upstream)) for _ in range(2)))
        await upstream.seen(2)
        more.set()
        await both

        assert len(upstream.connections) == 2


async def test_closing_early_aborts_the_connection_at_once(transport: Transport) -> None:
    async with ScriptedUpstream([[head("transfer-encoding: chunked"), chunk(b"x"), STALL]]) as upstream:
        async with sent(transport, ask(upstream)) as response:
            await response.read()

        await upstream.connections[0].left()


@pytest.mark.parametrize(
    "steps", [[STALL], [head("transfer-encoding: chunked"), STALL]], ids=["head", "body"]
)
async def test_cancelling_aborts_the_connection_at_once(transport: Transport, steps: list[Step]) -> None:
    async with ScriptedUpstream([steps]) as upstream:
        task = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await upstream.seen(1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await upstream.connections[0].left()


async def test_an_answer_whose_reader_has_all_it_needs_keeps_its_connection_once_the_end_comes(
    transport: Transport,
) -> None:
    more = asyncio.Event()
    script: list[Step] = [head("transfer-encoding: chunked"), chunk(b"[DONE]"), Until(more), LAST_CHUNK]

    async with ScriptedUpstream([script, [http(b"{}")]]) as upstream:
        response = await transport.send(ask(upstream))
        await response.read()
        response.close(whole=True)
        more.set()
        await asyncio.sleep(0.05)
        await fetch(transport, ask(upstream))

        assert len(upstream.connections) == 1


async def test_an_end_that_never_comes_is_not_waited_for_long(transport: Transport) -> None:
    async with ScriptedUpstream([[head("transfer-encoding: chunked"), chunk(b"[DONE]"), STALL]]) as upstream:
        response = await transport.send(ask(upstream))
        await response.read()
        response.close(whole=True)

        await upstream.connections[0].left()


async def test_closing_twice_is_as_good_as_once(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        response = await transport.send(ask(upstream))
        await read_all(response)
        response.close()
        response.close()
        await fetch(transport, ask(upstream))

        assert len(upstream.connections) == 1


async def test_a_kept_connection_that_the_peer_closed_is_replaced_unnoticed(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}'), Sleep(0.02), CLOSE], [http(b'{"n":2}')]]) as upstream:
        await fetch(transport, ask(upstream))
        await upstream.connections[0].ended.wait()

        assert await fetch(transport, ask(upstream)) == b'{"n":2}'


async def test_a_kept_connection_that_the_peer_closes_on_the_next_request_is_replaced_once(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}')], [CLOSE], [http(b'{"n":2}')]]) as upstream:
        await fetch(transport, ask(upstream))

        assert await fetch(transport, ask(upstream)) == b'{"n":2}'
        assert [request.connection for request in upstream.requests] == [0, 0, 1]


async def test_a_second_such_failure_in_a_row_is_told(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}')], [CLOSE], [CLOSE]]) as upstream:
        await fetch(transport, ask(upstream))

        with pytest.raises(ProviderUnavailable):
            await fetch(transport, ask(upstream))
        assert len(upstream.requests) == 3


async def test_a_kept_connection_that_fails_within_the_answer_is_not_tried_again(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}')], [b"HTTP/1.1 200", CLOSE]]) as upstream:
        await fetch(transport, ask(upstream))

        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))
        assert len(upstream.requests) == 2


POISON: Final = http(b'{"answer":"meant for somebody else"}')


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([http(b"{}"), Sleep(0.02), POISON], id="a whole answer, later"),
        pytest.param([http(b"{}"), Sleep(0.02), b"H"], id="a single byte, later"),
        pytest.param([http(b"{}") + POISON], id="a whole answer, in the same packet"),
        pytest.param([http(b"{}") + POISON[:40]], id="half an answer, in the same packet"),
        pytest.param([http(b"{}") + b"garbage"], id="garbage in the same packet"),
        pytest.param([http(b"{}"), Sleep(0.02), b"garbage"], id="garbage, later"),
        pytest.param(
            [head("transfer-encoding: chunked") + chunk(b"{}") + LAST_CHUNK + POISON], id="after a last chunk"
        ),
        pytest.param([head("content-length: 0") + POISON], id="after an answer without a body"),
        pytest.param(
            [head("content-length: 0"), Sleep(0.02), POISON], id="later, after an answer without a body"
        ),
        pytest.param([head("content-length: 2"), b'{}{"longer":"than said"}'], id="a body longer than said"),
    ],
)
async def test_bytes_that_nobody_asked_for_condemn_the_connection(
    transport: Transport, steps: list[Step]
) -> None:
    async with ScriptedUpstream([steps, [http(b'{"mine":true}')]]) as upstream:
        with suppress(ProviderProtocolError):  # what came with it may be doubted as well
            await fetch(transport, ask(upstream))
        await asyncio.sleep(0.05)

        assert await fetch(transport, ask(upstream)) == b'{"mine":true}'
        assert upstream.requests[1].connection == 1


async def test_bytes_nobody_asked_for_are_found_though_the_loop_had_no_time_to_read_them(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b"{}")], [http(b'{"mine":true}')]]) as upstream:
        await fetch(transport, ask(upstream))
        upstream.write_now(0, POISON)

        assert await fetch(transport, ask(upstream)) == b'{"mine":true}'


async def test_an_answer_before_the_request_was_sent_whole_is_read(transport: Transport) -> None:
    early = http(b"too large", status="413 Content Too Large", headers=["connection: close"])

    async with ScriptedUpstream([[]], greeting=[early, STALL]) as upstream:
        async with sent(transport, ask(upstream, b"x" * 30_000_000)) as response:
            assert (response.status, await read_all(response)) == (413, b"too large")


async def test_a_reader_that_does_not_read_holds_the_provider_back(transport: Transport) -> None:
    script: list[Step] = [head("transfer-encoding: chunked"), Flood(chunk(b"x" * 65_536), 2_000), LAST_CHUNK]

    async with (
        ScriptedUpstream([script]) as upstream,
        sent(transport, ask(upstream, max_body=None)) as response,
    ):
        await response.read()
        before = -1
        while before != (before := upstream.connections[0].written):
            await asyncio.sleep(0.1)

        assert upstream.connections[0].written < 60_000_000
        assert len(await read_all(response)) > 0
