"""200 clients that leave before, during and without a stream: the upstream is closed and the row says so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess, config_for
from tests.doubles.waiting import eventually

KINDS = [
    (True, "[[wait=60000]]", b""),  # before a stream
    (True, "[[chunks=2000 delay=50]]", b"data: "),  # during a stream
    (False, "[[wait=60000]]", b""),  # without a stream
]
EACH = 67
ALL = EACH * len(KINDS)
PATIENCE = 30


async def ask(url: str, stream: bool, text: str, until: bytes) -> asyncio.StreamWriter:
    """Send one request and read until `until` was seen; the writer is the client that may leave."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    messages = [{"role": "user", "content": text}]
    body = json.dumps({"model": "gpt-4o-mini", "stream": stream, "messages": messages}).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer %s\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (KEY.encode(), len(body), body)
    )
    seen = b""
    while until not in seen:
        block = await reader.read(4096)
        assert block, f"the connection ended after {seen!r}"
        seen += block
    return writer


async def ends(upstream: UpstreamProcess, wanted: int, *, over: bool) -> list[str]:
    """How the provider's calls ended, once there are so many, or so many that are over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [call["ended"] for call in await asyncio.to_thread(upstream.calls)]
            if len([end for end in found if not over or end != "open"]) >= wanted:
                return found
            await asyncio.sleep(0.1)


async def test_a_client_that_leaves_closes_the_upstream_and_leaves_a_row(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream, GatewayProcess(tmp_path, config_for(upstream.url)) as gateway:
        asking = [
            ask(gateway.url, stream, f"{text} {number}", until)
            for number in range(EACH)
            for stream, text, until in KINDS
        ]
        clients = await asyncio.gather(*asking)
        await ends(upstream, ALL, over=False)

        for client in clients:
            client.close()

        assert await ends(upstream, ALL, over=True) == ["closed by peer"] * ALL
        rows = await eventually(gateway.rows, lambda rows: len(rows) >= ALL)
        assert [row["outcome"] for row in rows] == ["abandoned"] * ALL
