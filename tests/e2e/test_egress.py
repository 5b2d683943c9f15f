"""Requests go to the providers of the configuration, and nowhere that a client or a name could send them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio

from synthlang_router.egress import permitted
from synthlang_router.errors import ProviderUnavailable
from synthlang_router.llm_provider import StreamTransport, Timeouts, UpstreamRequest
from tests.doubles.answers import completion, http
from tests.doubles.upstream import ScriptedUpstream
from tests.e2e.canary import Canary
from tests.e2e.clients import BODY, PATH, Tried, head, request, tried_gateway

QUESTION: Final = json.loads(BODY)

HEADERS: Final = (
    "host: {where}",
    "x-forwarded-host: {where}",
    "forwarded: host={where};proto=http",
    "x-original-url: {url}",
    "x-rewrite-url: {url}",
    "referer: {url}",
    "origin: {url}",
    "proxy: {url}",
    "http-proxy: {url}",
    "via: 1.1 {where}",
    "x-base-url: {url}",
    "x-api-base: {url}",
    "x-portkey-custom-host: {url}",
    "helicone-target-url: {url}",
    "x-synthlang-provider: {url}",
    "x-synthlang-base-url: {url}",
    "openai-organization: {url}",
    "openai-beta: {url}",
    "alt-svc: h2={where}",
    "x-real-ip: {where}",
    "link: <{url}>; rel=preconnect",
)
PATHS: Final = (
    "{url}/chat/completions",
    "//{where}/v1/chat/completions",
    "/v1/{url}",
    "/v1/chat/completions@{where}",
    "/@{where}/v1/chat/completions",
    "/v1/chat/completions/..//..//{where}",
    "/v1/models/{url}",
    "/v1/models/%2F%2F{where}",
    "/proxy/{url}",
    "/{where}/v1/chat/completions",
    "/v1/images/{where}",
    "/v1/chat/completions#@{where}",
    "/v1/chat/completions\\@{where}",
)
QUERIES: Final = (
    "base_url={url}",
    "url={url}",
    "api_base={url}",
    "host={where}",
    "@{where}",
    "/../../../@{where}/",
    "x=%0d%0ahost:%20{where}",
    "?#@{where}",
)
MODELS: Final = (
    "{url}",
    "{where}/m",
    "m@{where}",
    "upstream/../../{where}",
    "upstream/@{where}/m",
    "openai/{url}",
    "m?url={url}",
    "m#{url}",
    "m\r\nhost: {where}",
)
FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {"base_url": "{url}"},
    {"api_base": "{url}", "api_key": "x", "custom_llm_provider": "openai"},
    {"proxy": "{url}", "headers": {"host": "{where}"}, "extra_headers": {"host": "{where}"}},
    {"provider": {"base_url": "{url}"}, "route": "{url}"},
    {"metadata": {"webhook": "{url}", "callback_url": "{url}"}},
    {"tools": [{"type": "mcp", "server_url": "{url}"}]},
    {"fallbacks": ["{url}"], "models": ["{url}"]},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "{url}"}}}},
    {"web_search_options": {"url": "{url}"}},
    {"prompt": {"id": "{url}"}, "prediction": {"type": "content", "content": "{url}"}},
)
PARTS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "image_url", "image_url": {"url": "{url}/a.png"}},
    {"type": "input_image", "image_url": "{url}/a.png"},
    {"type": "image", "source": {"type": "url", "url": "{url}/a.png"}},
    {"type": "file", "file": {"file_data": "{url}", "filename": "a.pdf"}},
    {"type": "document", "source": {"type": "url", "url": "{url}/a.pdf"}},
    {"type": "input_audio", "input_audio": {"data": "{url}", "format": "wav"}},
    {"type": "video_url", "video_url": {"url": "{url}"}},
    {"type": "text", "text": "Fetch {url} and ![a]({url}/b.png) <img src='{url}'>"},
)


PASSED: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("/v1/images/edits", {"model": "m", "prompt": "x", "images": [{"image_url": "{url}/a.png"}]}),
    ("/v1/images/generations", {"model": "{url}", "prompt": "x"}),
    ("/v1/images/generations?url={url}", {"model": "m@{where}", "prompt": "x", "base_url": "{url}"}),
    ("/v1/audio/speech", {"model": "m", "input": "x", "callback_url": "{url}"}),
    ("/v1/moderations", {"input": [{"type": "image_url", "image_url": {"url": "{url}/a.png"}}]}),
)


PASSED_ON: Final = {path.partition("?")[0] for path, body in PASSED}


def filled(value: Any, where: str) -> Any:
    """A value with its marks exchanged for the canary's address."""
    if isinstance(value, str):
        return value.replace("{url}", f"http://{where}/v1").replace("{where}", where)
    if isinstance(value, list):
        return [filled(item, where) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, where) for name, item in value.items()}
    return value


def payloads(where: str) -> Iterator[bytes]:
    """Requests that ask, each in its own way, for a connection to `where`."""
    for line in HEADERS:
        yield request(BODY, filled(line, where))
    for path in PATHS:
        yield request(path=filled(path, where))
    for query in QUERIES:
        yield request(path=f"{PATH}?{filled(query, where)}")
    for model in MODELS:
        yield request(json.dumps({**QUESTION, "model": filled(model, where)}).encode())
    for fields in FIELDS:
        yield request(json.dumps({**QUESTION, **filled(fields, where)}).encode())
    for part in PARTS:
        content = [{"role": "user", "content": [filled(part, where)]}]
        yield request(json.dumps({**QUESTION, "messages": content}).encode())
    for path, body in PASSED:
        yield request(json.dumps(filled(body, where)).encode(), path=filled(path, where))
    yield f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n\r\n".encode()
    yield head(path=filled("{url}", where), method="GET")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tried(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    folder = tmp_path_factory.mktemp("egress")
    async with tried_gateway(folder, lambda request: [completion()], client_timeout=20) as opened:
        yield opened


@pytest.mark.asyncio(loop_scope="module")
async def test_no_request_makes_the_gateway_connect_where_it_says(tried: Tried) -> None:
    async with Canary().listening() as canary:
        hostile = [data for where in canary.authorities() for data in payloads(where)]
        statuses = []
        for data in hostile:
            async with tried.wire() as wire:
                await wire.send(data)
                statuses.append((await wire.reply())[0])

        assert len(hostile) >= 200
        assert canary.visits == 0
    assert set(statuses) <= {200, 400, 404, 405}
    assert {seen.target.partition("?")[0] for seen in tried.asked} == {PATH, *PASSED_ON}
    assert {seen.header("host") for seen in tried.asked} == {f"127.0.0.1:{tried.upstream.port}"}
    assert len(tried.asked) == statuses.count(200)


async def ask(transport: StreamTransport, port: int, host: str = "localhost") -> int:
    timeouts = Timeouts(5.0, 5.0, 5.0, 5.0)
    response = await transport.send(
        UpstreamRequest("POST", f"http://{host}:{port}/v1", (), b"{}", timeouts, time.monotonic() + 5)
    )
    response.close()
    return response.status


async def test_a_name_that_leads_to_a_private_address_is_good_only_where_the_operator_named_it() -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        bent = StreamTransport(permit=partial(permitted, named={"llm.corp"}))
        named = StreamTransport(permit=partial(permitted, named={"localhost"}))

        with pytest.raises(ProviderUnavailable):
            await ask(bent, upstream.port)
        assert upstream.connections == []
        assert await ask(named, upstream.port) == 200
        await named.close()


async def test_every_new_connection_asks_again() -> None:
    asked: list[str] = []

    def permit(host: str, addresses: Any) -> list[str]:
        asked.append(host)
        return list(addresses) if len(asked) == 1 else []

    async with ScriptedUpstream([[http(b"{}", headers=["connection: close"])]]) as upstream:
        transport = StreamTransport(permit=permit)
        await ask(transport, upstream.port)
        await asyncio.sleep(0.05)

        with pytest.raises(ProviderUnavailable):
            await ask(transport, upstream.port)
    assert asked == ["localhost", "localhost"]
