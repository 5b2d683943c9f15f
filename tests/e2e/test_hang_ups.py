"""200 clients that leave before, during and without a stream: the upstream is closed and the row says so."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess, config_for

KINDS = {
    "before a stream": (True, "[[wait=20000]]", b""),
    "during a stream": (True, "[[chunks=400 delay=50]]", b"data: "),
    "without a stream": (False, "[[wait=20000]]", b""),
}
EACH = 67


async def hang_up(url: str, stream: bool, text: str, until: bytes) -> None:
    """Send one request, read until `until` was seen (or the request is surely under way), and leave."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps(
        {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": text}]}
    ).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer %s\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (KEY.encode(), len(body), body)
    )
    await writer.drain()
    if until:
        seen = b""
        while until not in seen:
            seen += await reader.read(4096)
    else:
        await asyncio.sleep(0.3)
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_leaves_closes_the_upstream_and_leaves_a_row(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream, GatewayProcess(tmp_path, config_for(upstream.url)) as gateway:
        leaving = [
            hang_up(gateway.url, stream, f"{text} {number}", until)
            for number in range(EACH)
            for stream, text, until in KINDS.values()
        ]
        await asyncio.gather(*leaving)

        await settled(upstream)

        ends = [call["ended"] for call in await asyncio.to_thread(upstream.calls)]
        assert ends == ["closed by peer"] * (EACH * len(KINDS))
        rows = await asyncio.to_thread(gateway.rows)
        assert [row["outcome"] for row in rows] == ["abandoned"] * len(ends)


async def settled(upstream: UpstreamProcess) -> None:
    """Wait until no call is open; the bound is for a gateway that never closes one."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if all(call["ended"] != "open" for call in await asyncio.to_thread(upstream.calls)):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)  # rows are visible within a second
