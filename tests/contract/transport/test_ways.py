"""The ways to a provider: TLS, a private authority, proxies of all kinds, and a bounded number of connections."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from synthlang_router.errors import ProviderTimeout, ProviderUnavailable
from synthlang_router.llm_provider import Proxies
from synthlang_router.llm_provider.transport import NoConnection, Transport, UpstreamRequest
from tests.contract.transport.calls import SOON, ask, fetch, sent
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.certificates import Authority
from tests.doubles.proxy import Proxy
from tests.doubles.upstream import STALL, Flood, ScriptedUpstream, Step, Until

Make = Callable[..., Transport]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def to(url: str, request: UpstreamRequest) -> UpstreamRequest:
    return msgspec.structs.replace(request, url=url)


async def test_a_provider_that_a_private_authority_vouches_for_is_reached_over_tls(
    make_transport: Make, authority: Authority
) -> None:
    transport = make_transport(ca_file=authority.ca_file)
    large: list[Step] = [head("transfer-encoding: chunked"), Flood(chunk(b"x" * 50_000), 40), LAST_CHUNK]

    async with ScriptedUpstream([[http(b"{}")], large], tls=authority.server_context()) as upstream:
        assert await fetch(transport, ask(upstream)) == b"{}"
        assert len(await fetch(transport, ask(upstream, b"y" * 500_000, max_body=None))) == 2_000_000
        assert len(upstream.connections) == 1
        await transport.close()


async def test_nobody_else_vouches_for_it(make_transport: Make, authority: Authority) -> None:
    transport = make_transport()

    async with ScriptedUpstream([[http(b"{}")]], tls=authority.server_context()) as upstream:
        with pytest.raises(NoConnection):
            await fetch(transport, ask(upstream))
        await transport.close()

        assert upstream.requests == []


async def test_a_certificate_for_another_host_is_not_accepted(
    make_transport: Make, authority: Authority
) -> None:
    transport = make_transport(ca_file=authority.ca_file)

    async with ScriptedUpstream([[http(b"{}")]], tls=authority.server_context("other.example")) as upstream:
        with pytest.raises(NoConnection):
            await fetch(transport, ask(upstream))
        await transport.close()

        assert upstream.requests == []


async def test_a_server_that_does_not_speak_tls_is_no_provider(
    make_transport: Make, authority: Authority
) -> None:
    transport = make_transport(ca_file=authority.ca_file)

    async with ScriptedUpstream([[]], greeting=[b"HTTP/1.1 400 Bad Request\r\n\r\n", STALL]) as upstream:
        with pytest.raises(NoConnection):
            await transport.send(to(upstream.url.replace("http:", "https:"), ask(upstream)))
        await transport.close()


async def test_a_plain_request_goes_through_a_proxy_in_absolute_form(make_transport: Make) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream, Proxy(upstream.port) as proxy:
        transport = make_transport(proxies=Proxies(http=proxy.url))
        far = to("http://provider.example:8000/v1/chat?a=b", ask(upstream))

        assert await fetch(transport, far) == b"{}"
        await transport.close()

    first, *lines = proxy.heads[0].split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    assert first == "POST http://provider.example:8000/v1/chat?a=b HTTP/1.1"
    assert headers["host"] == "provider.example:8000"
    assert headers["proxy-authorization"] == "Basic " + b64encode(b"user:p@ss").decode()


@pytest.mark.parametrize("secure", [False, True], ids=["http proxy", "https proxy"])
async def test_a_tls_request_goes_through_a_tunnel_that_the_proxy_cannot_read(
    make_transport: Make, authority: Authority, secure: bool
) -> None:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(
            ScriptedUpstream([[http(b"{}")]], tls=authority.server_context("provider.example"))
        )
        tls = authority.server_context() if secure else None
        proxy = await stack.enter_async_context(Proxy(upstream.port, tls=tls))
        transport = make_transport(proxies=Proxies(https=proxy.url), ca_file=authority.ca_file)
        far = to("https://provider.example/v1/chat", ask(upstream))

        for _ in range(3):
            assert await fetch(transport, far) == b"{}"
        await transport.close()

        assert upstream.requests[0].target == "/v1/chat"
        assert upstream.requests[0].header("proxy-authorization") is None
    assert len(proxy.heads) == 1
    assert proxy.heads[0].startswith("CONNECT provider.example:443 HTTP/1.1\r\n")
    assert "authorization: basic " in proxy.heads[0].lower()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
    ids=["407", "502", "nonsense"],
)
async def test_a_proxy_that_refuses_is_no_way(
    make_transport: Make, authority: Authority, answer: bytes
) -> None:
    async with (
        ScriptedUpstream([[http(b"{}")]], tls=authority.server_context("provider.example")) as upstream,
        Proxy(upstream.port, answer=answer) as proxy,
    ):
        transport = make_transport(proxies=Proxies(https=proxy.url), ca_file=authority.ca_file)
        far = to("https://provider.example/v1/chat", ask(upstream))

        with pytest.raises(ProviderUnavailable):
            await fetch(transport, far)
        await transport.close()

        assert upstream.requests == []


async def test_connections_are_bounded_over_all_and_the_next_waits_for_its_turn(make_transport: Make) -> None:
    transport = make_transport(max_connections=2)
    more = asyncio.Event()

    async with ScriptedUpstream([[Until(more), http(b"{}")]]) as upstream:
        asking = [asyncio.ensure_future(fetch(transport, ask(upstream))) for _ in range(6)]
        await upstream.seen(2)
        await asyncio.sleep(0.05)
        assert len(upstream.connections) == 2
        more.set()
        await asyncio.gather(*asking)
        await transport.close()

        assert (len(upstream.requests), len(upstream.connections)) == (6, 2)


async def test_who_waits_too_long_for_a_connection_is_told(make_transport: Make) -> None:
    transport = make_transport(max_connections=1)

    async with ScriptedUpstream([[STALL]]) as upstream:
        first = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await upstream.seen(1)
        with pytest.raises(ProviderTimeout) as caught:
            await transport.send(ask(upstream, connect=SOON))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await transport.close()

    assert caught.value.phase == "connect"


async def test_whoever_gives_up_waiting_leaves_his_turn_to_the_next(make_transport: Make) -> None:
    transport = make_transport(max_connections=1)
    more = asyncio.Event()

    async with ScriptedUpstream([[Until(more), http(b"{}")]]) as upstream:
        first = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await upstream.seen(1)
        second = asyncio.ensure_future(fetch(transport, ask(upstream)))
        third = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await asyncio.sleep(0.01)
        more.set()
        second.cancel()
        assert await first == await third == b"{}"
        await transport.close()


async def test_an_idle_connection_elsewhere_makes_room(make_transport: Make) -> None:
    transport = make_transport(max_connections=1)

    async with ScriptedUpstream([[http(b"a")]]) as one, ScriptedUpstream([[http(b"b")]]) as other:
        assert await fetch(transport, ask(one)) == b"a"
        assert await fetch(transport, ask(other)) == b"b"
        assert await fetch(transport, ask(one)) == b"a"
        await transport.close()


async def test_after_a_cut_the_place_is_free_again(make_transport: Make) -> None:
    transport = make_transport(max_connections=1)

    async with ScriptedUpstream(
        [[head("transfer-encoding: chunked"), chunk(b"x"), STALL], [http(b"b")]]
    ) as upstream:
        async with sent(transport, ask(upstream)) as response:
            await response.read()
        assert await fetch(transport, ask(upstream)) == b"b"
        await transport.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "169.254.169.254", "0"])
async def test_no_connection_is_made_where_no_provider_can_be(make_transport: Make, host: str) -> None:
    transport = make_transport()

    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        with pytest.raises(ProviderUnavailable):
            await transport.send(to(f"http://{host}:{upstream.port}/v1", ask(upstream)))
        await transport.close()

        assert upstream.connections == []
