"""What goes up to a provider."""

from __future__ import annotations

from synthlang_router.llm_provider.transport import Transport
from tests.contract.transport.calls import ask, fetch
from tests.doubles.answers import http
from tests.doubles.upstream import (
    ScriptedUpstream,
)


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
