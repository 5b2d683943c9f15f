"""Bodies that a client may send: malformed, compressed, and bombs."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
import zstandard

from tests.doubles.answers import completion
from tests.e2e.clients import BODY, Tried, error_in, request, tried_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tried(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    folder = tmp_path_factory.mktemp("bodies")
    async with tried_gateway(folder, lambda request: [completion()], client_timeout=20) as opened:
        yield opened


BAD_BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no JSON": b"model=m",
    "half of it": BODY[:-5],
    "a byte order mark": b"\xef\xbb\xbf" + BODY,
    "something behind it": BODY + b"x",
    "an array": b"[" + BODY + b"]",
    "a number": b"5",
    "NaN": BODY[:-1] + b', "temperature": NaN}',
    "infinity": BODY[:-1] + b', "temperature": 1e999}',
    "invalid UTF-8": BODY.replace(b"Hi", b"\xff"),
    "UTF-16": BODY.decode().encode("utf-16"),
    "half of a surrogate pair": BODY.replace(b"Hi", b"\\ud800"),
    "a control character in a string": BODY.replace(b"Hi", b"H\ni"),
    "a name twice": BODY[:-1] + b', "model": "other"}',
    "a name twice, once escaped": BODY[:-1] + b', "mode\\u006c": "other"}',
    "nesting over 512": BODY[:-1] + b', "x": ' + b"[" * 600 + b"]" * 600 + b"}",
    "nesting without end": BODY[:-1] + b', "x": ' + b"[" * 500_000,
    "no model": b'{"messages": [{"role": "user", "content": "Hi"}]}',
    "a model of null": BODY.replace(b'"m"', b"null"),
    "a model that is a number": BODY.replace(b'"m"', b"5"),
    "no messages": b'{"model": "m"}',
    "messages that are none": b'{"model": "m", "messages": []}',
    "messages of another type": b'{"model": "m", "messages": {}}',
    "a message of another type": b'{"model": "m", "messages": ["Hi"]}',
    "a message without a role": b'{"model": "m", "messages": [{"content": "Hi"}]}',
    "a content of another type": b'{"model": "m", "messages": [{"role": "user", "content": 5}]}',
    "a stream that is a word": BODY[:-1] + b', "stream": "yes"}',
    "a temperature that is a word": BODY[:-1] + b', "temperature": "hot"}',
    "an n that is a fraction": BODY[:-1] + b', "n": 1.5}',
    "a seed that is a truth": BODY[:-1] + b', "seed": true}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_malformed_body_is_400_and_the_connection_goes_on(tried: Tried, name: str) -> None:
    before = len(tried.asked)

    async with tried.wire() as wire:
        await wire.send(request(BAD_BODIES[name]))
        status, _, body = await wire.reply()
        await wire.send(request())
        again, _, _ = await wire.reply()

    assert status == 400
    assert error_in(body)["type"] == "invalid_request_error"
    assert again == 200
    assert len(tried.asked) == before + 1


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
async def test_compressed_bodies_reach_the_provider_plain(tried: Tried, pack: object) -> None:
    assert callable(pack)
    encoding = "gzip" if pack is gzip.compress else "zstd"

    async with tried.wire() as wire:
        await wire.send(request(pack(BODY), f"content-encoding: {encoding}"))
        status, _, _ = await wire.reply()

    assert status == 200
    assert json.loads(tried.asked[-1].body) == json.loads(BODY)
    assert tried.asked[-1].header("content-encoding") is None


BOMB: Final = BODY[:-1] + b', "x": "' + b"a" * 100_000_000 + b'"}'


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(gzip.compress(BOMB, 1), "gzip", 413, id="a bomb of gzip"),
        pytest.param(zstandard.compress(BOMB), "zstd", 413, id="a bomb of zstd"),
        pytest.param(gzip.compress(b"\n" * 50_000_000) * 40, "gzip", 413, id="a bomb in 40 members"),
        pytest.param(gzip.compress(BODY)[:-9], "gzip", 400, id="gzip that is cut"),
        pytest.param(BODY, "gzip", 400, id="gzip that is none"),
        pytest.param(BODY, "zstd", 400, id="zstd that is none"),
        pytest.param(gzip.compress(gzip.compress(BODY)), "gzip", 400, id="gzip in gzip"),
        pytest.param(gzip.compress(BODY), "gzip, gzip", 415, id="gzip twice"),
        pytest.param(BODY, "br", 415, id="brotli"),
        pytest.param(BODY, "identity", 200, id="identity"),
    ],
)
async def test_bombs_and_other_codings_are_refused_and_cost_no_memory(
    tried: Tried, body: bytes, encoding: str, status: int
) -> None:
    before = tried.resident()

    async with tried.wire() as wire:
        await wire.send(request(body, f"content-encoding: {encoding}"))
        answered, _, told = await wire.reply()

    assert answered == status
    assert status == 200 or error_in(told)
    assert tried.resident() - before < 30_000_000
