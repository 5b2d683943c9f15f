"""What a client may do to a gateway: send badly, ambiguously or too much."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from tests.doubles.answers import completion
from tests.doubles.processes import KEY
from tests.e2e.clients import BODY, PATH, Tried, error_in, head, request, tried_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tried(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    folder = tmp_path_factory.mktemp("clients")
    async with tried_gateway(folder, lambda request: [completion()], client_timeout=20) as opened:
        yield opened


LENGTH: Final = f"content-length: {len(BODY)}"
CHUNKED: Final = "transfer-encoding: chunked"
ONE_CHUNK: Final = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SMUGGLED: Final = request()

AMBIGUOUS: Final[dict[str, bytes]] = {
    "two different lengths": head(LENGTH, "content-length: 3") + BODY,
    "the same length twice": head(LENGTH, LENGTH) + BODY,
    "a list of lengths": head(f"{LENGTH}, {len(BODY)}") + BODY,
    "a length and chunks": head(LENGTH, CHUNKED) + ONE_CHUNK,
    "chunks and a length": head(CHUNKED, LENGTH) + ONE_CHUNK,
    "a length with a sign": head(f"content-length: +{len(BODY)}") + BODY,
    "a negative length": head("content-length: -1") + BODY,
    "a length in hexadecimal": head(f"content-length: {len(BODY):#x}") + BODY,
    "a length of 30 digits": head("content-length: " + "9" * 30) + BODY,
    "an unknown transfer coding": head("transfer-encoding: xchunked") + ONE_CHUNK,
    "a transfer coding that is not the last": head("transfer-encoding: chunked, identity") + ONE_CHUNK,
    "two transfer codings": head(CHUNKED, "transfer-encoding: identity") + ONE_CHUNK,
    "a vertical tab before chunked": head("transfer-encoding: \x0bchunked") + ONE_CHUNK,
    "line feeds alone": request().replace(b"\r\n", b"\n"),
    "one line feed alone": request().replace(b"host: gateway\r\n", b"host: gateway\n"),
    "a carriage return alone": request().replace(b"host: gateway\r\n", b"host: gateway\r"),
    "a folded header": head(LENGTH, "x-a: b", " c") + BODY,
    "a header that begins folded": request().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n x: y\r\n"),
    "a space before the colon": head(f"content-length : {len(BODY)}") + BODY,
    "a tab before the colon": head(f"content-length\t: {len(BODY)}") + BODY,
    "a header without a name": head(LENGTH, ": a") + BODY,
    "a header without a colon": head(LENGTH, "oops") + BODY,
    "a NUL in a header": head(LENGTH, "x-a: b\x00c") + BODY,
    "a NUL in a header's name": head(LENGTH, "x\x00a: b") + BODY,
    "no host": request().replace(b"host: gateway\r\n", b""),
    "two hosts": head(LENGTH, "host: elsewhere") + BODY,
    "a target with a scheme": request(path=f"http://elsewhere{PATH}"),
    "a target without a slash": request(path=PATH[1:]),
    "a target with two slashes": request(path=f"/{PATH}"),
    "an encoded slash": request(path="/v1%2fchat/completions"),
    "dots in the path": request(path="/v1/models/../chat/completions"),
    "encoded dots in the path": request(path="/v1/%2e%2e/v1/chat/completions"),
    "a backslash in the path": request(path="/v1\\chat/completions"),
    "a fragment": request(path=f"{PATH}#a"),
    "an asterisk": request(path="*"),
    "CONNECT": b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n",
    "a method in small letters": request(method="post"),
    "an unknown method": request(method="GRAB"),
    "no version": b"POST /v1/chat/completions\r\n\r\n",
    "an odd version": request().replace(b"HTTP/1.1", b"HTTP/1.1x", 1),
    "a version of the future": request().replace(b"HTTP/1.1", b"HTTP/3.0", 1),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "a chunk size with a sign": head(CHUNKED) + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk size with a prefix": head(CHUNKED) + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk size of 20 digits": head(CHUNKED) + b"f" * 20 + b"\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than its size": head(CHUNKED) + b"2\r\nhello\r\n0\r\n\r\n",
    "a chunk that ends with a line feed": head(CHUNKED) + b"5\nhello\n0\n\n",
    "a chunk extension with a line feed": head(CHUNKED) + b"5;a\nb\r\nhello\r\n0\r\n\r\n",
}
"""Requests that two readers could read differently, and what is no request at all."""


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_what_others_could_read_differently_is_refused_and_nothing_after_it_is_read(
    tried: Tried, name: str
) -> None:
    before = len(tried.asked)

    async with tried.wire() as wire:
        await wire.send(AMBIGUOUS[name] + SMUGGLED)
        status, headers, body = await wire.reply()
        rest = await wire.rest()

    assert status == 400
    assert error_in(body)["type"] == "invalid_request_error"
    assert headers["connection"] == "close"
    assert headers["x-request-id"]
    assert rest == b""
    assert len(tried.asked) == before


TOO_MUCH: Final[dict[str, bytes]] = {
    "a hundred headers and more": head(LENGTH, *[f"x-{number}: a" for number in range(100)]),
    "a header of 70 kB": head(LENGTH, "x-a: " + "b" * 70_000),
    "a name of 70 kB": head(LENGTH, "x" * 70_000 + ": a"),
    "a target of 70 kB": request(path=f"{PATH}?{'a' * 70_000}"),
    "headers without end": b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000,
}


@pytest.mark.parametrize("name", TOO_MUCH)
async def test_a_flood_of_headers_is_431(tried: Tried, name: str) -> None:
    async with tried.wire() as wire:
        await wire.send(TOO_MUCH[name])
        status, _, body = await wire.reply()
        rest = await wire.rest()

    assert status == 431
    assert error_in(body)["code"] == "headers_too_large"
    assert rest == b""


async def test_a_flood_of_trailers_is_refused_and_trailers_are_no_headers(tried: Tried) -> None:
    chunks = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    async with tried.wire() as wire:
        await wire.send(head(CHUNKED) + chunks + b"x-synthlang-cache: nonsense\r\n\r\n")
        good, _, _ = await wire.reply()
        await wire.send(head(CHUNKED) + chunks + b"x: y\r\n" * 100_000)
        answer = await wire.rest()

    assert good == 200
    assert answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(head("content-length: 2000001"), 413, id="a length over the limit"),
        pytest.param(head("content-length: 2000001", "expect: 100-continue"), 413, id="and it asks first"),
        pytest.param(head("content-length: 2000000", key="sk-nobody"), 401, id="a large body without a key"),
        pytest.param(head("content-length: 9", "expect: 100-continue", key="sk-nobody"), 401, id="no key, and it asks first"),
        pytest.param(head(CHUNKED) + b"1f0000\r\n" + b"x" * 0x1F0000, 413, id="chunks over the limit"),
        pytest.param(request(path="/v1/nothing").replace(BODY, b""), 404, id="a path that nobody serves"),
        pytest.param(head("content-length: 900", method="PUT"), 405, id="a method that nobody serves"),
    ],
)  # fmt: skip
async def test_what_can_be_refused_by_its_head_is_answered_before_the_body_and_ends_the_connection(
    tried: Tried, data: bytes, status: int
) -> None:
    async with tried.wire() as wire:
        await wire.send(data)
        answered, _, body = await wire.reply()
        for _ in range(400):  # 26 MB that nobody waits for
            if wire.writer.is_closing():
                break
            wire.writer.write(b"x" * 65_536)
            await asyncio.sleep(0.01)
        rest = await wire.rest()

    assert answered == status
    assert error_in(body)
    assert rest == b""


async def test_a_client_that_asks_first_is_told_to_go_on(tried: Tried) -> None:
    async with tried.wire() as wire:
        await wire.send(head(LENGTH, "expect: 100-continue"))
        asked, _, _ = await wire.reply()
        await wire.send(BODY)
        status, _, _ = await wire.reply()

    assert (asked, status) == (100, 200)


async def test_requests_in_one_packet_are_answered_in_order(tried: Tried) -> None:
    async with tried.wire() as wire:
        await wire.send(
            request() + request(b"{}") + head(path="/v1/models", method="GET") + request(key="sk-nobody")
        )
        statuses = [(await wire.reply())[0] for _ in range(4)]

    assert statuses == [200, 400, 200, 401]


async def test_what_comes_after_a_good_request_does_not_take_its_answer(tried: Tried) -> None:
    async with tried.wire() as wire:
        await wire.send(request() + b"\x00garbage\r\n\r\n")
        status, _, _ = await wire.reply()
        rest = await wire.rest()

    assert status == 200
    assert rest == b""


async def test_an_upgrade_to_what_we_do_not_speak_is_ignored_and_the_connection_goes_on(tried: Tried) -> None:
    offer = ("connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABk")
    async with tried.wire() as wire:
        for _ in range(3):
            await wire.send(request(BODY, *offer))
        statuses = [(await wire.reply())[0] for _ in range(3)]
        await wire.send(head(CHUNKED, *offer) + ONE_CHUNK[:20])
        await asyncio.sleep(0.05)
        await wire.send(ONE_CHUNK[20:] + request(b"{}"))
        last = [(await wire.reply())[0] for _ in range(2)]

    assert (statuses, last) == ([200] * 3, [200, 400])


@pytest.mark.parametrize(
    "path", ["/v1/realtime?model=m", "/v1/responses", "/v1/chat/completions", "/v1/else"]
)
async def test_a_web_socket_is_426(tried: Tried, path: str) -> None:
    lines = (
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: YQ==",
    )
    async with tried.wire() as wire:
        await wire.send(head(*lines, path=path, method="GET"))
        status, _, body = await wire.reply()

    assert status == 426
    assert error_in(body)["code"] == "websocket_not_supported"


async def test_http_1_0_gets_its_answer_and_the_end(tried: Tried) -> None:
    async with tried.wire() as wire:
        old = f"POST {PATH} HTTP/1.0\r\nauthorization: Bearer {KEY}\r\n{LENGTH}\r\n\r\n"
        await wire.send(old.encode() + BODY)
        status, _, body = await wire.reply()
        rest = await wire.rest()

    assert status == 200
    assert json.loads(body)["choices"]
    assert rest == b""
