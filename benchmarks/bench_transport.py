"""CPU per upstream call of each transport, and of the LLM provider over it, as ratios in one run.

    python benchmarks/bench_transport.py [ROUNDS] [SECONDS]

The upstream is a bare asyncio protocol in another process; only this process's CPU time is counted.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from typing import cast

import uvloop

from synthlang_router.llm_provider import LLMProvider, Provider, Secret
from synthlang_router.llm_provider.transport import Timeouts, Transport, UpstreamRequest
from synthlang_router.llm_provider.transport_aiohttp import AioHttpTransport
from synthlang_router.llm_provider.transport_stream import StreamTransport
from synthlang_router.models import Facts, Route, Wishes
from synthlang_router.wire import DIALECTS

WORKERS = 32
FRAMES = 100
TRANSPORTS: dict[str, Callable[[], Transport]] = {"stream": StreamTransport, "aiohttp": AioHttpTransport}


def _answer() -> bytes:
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "x" * 700}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350},
        }
    ).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def _frame(delta: dict[str, str], finish: str | None) -> bytes:
    payload = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    data = json.dumps(
        {**payload, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    ).encode()
    block = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(block), block)


class _Upstream(asyncio.Protocol):
    answer = _answer()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    frame = _frame({"content": "word "}, None)
    last = _frame({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        if b'"stream":true' not in data:
            self.transport.write(self.answer)
            return
        self.transport.write(self.head)
        self.left = FRAMES
        self._step()

    def _step(self) -> None:
        if self.transport.is_closing():
            return
        self.left -= 1
        self.transport.write(self.frame if self.left else self.frame + self.last)
        if self.left:
            asyncio.get_running_loop().call_later(0.01, self._step)


def _serve(pipe: Pipe) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Upstream, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


async def _load(call: Callable[[], Awaitable[int]], seconds: float, workers: int) -> float:
    """CPU microseconds for each unit that `call` says it did."""
    done = 0
    end = time.monotonic() + seconds

    async def work() -> None:
        nonlocal done
        while time.monotonic() < end:
            units = await call()  # on a line of its own: `done` would be read before the wait
            done += units

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(workers)))
    return (time.process_time() - began) / done * 1e6


def _bare(transport: Transport, url: str, *, stream: bool) -> Callable[[], Awaitable[int]]:
    headers = (("content-type", "application/json"), ("accept", "*/*"), ("accept-encoding", "identity"))
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]' + (
        b',"stream":true}' if stream else b"}"
    )

    async def call() -> int:
        request = UpstreamRequest("POST", url, headers, body, Timeouts(), time.monotonic() + 60, None)
        response = await transport.send(request)
        while await response.read():
            pass
        response.close()
        return FRAMES if stream else 1

    return call


def _provider(transport: Transport, url: str, *, stream: bool) -> Callable[[], Awaitable[int]]:
    llm = LLMProvider({"up": Provider("up", url, transport, api_key=Secret("sk-up"))}, time.monotonic)
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"stream":%b}'
    request = DIALECTS["openai"].read_request(body % (b"true" if stream else b"false"), "chat")
    route = Route("up", "gpt-4o-mini", "bench", "bench")

    async def call() -> int:
        now = time.monotonic()
        facts = Facts(request_id="r", row_id="1", arrived=now, started=now)
        async with llm.chat(route, request, Wishes(), facts) as answer:
            async for _ in answer:
                pass
        return FRAMES if stream else 1

    return call


async def _measure(url: str, rounds: int, seconds: float) -> dict[str, list[float]]:
    rows: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, make in TRANSPORTS.items():
            for what, bench, base in (
                ("bare", _bare, url + "/chat/completions"),
                ("provider", _provider, url),
            ):
                for stream in (False, True):
                    transport = make()
                    call = bench(transport, base, stream=stream)
                    await _load(call, 0.2, WORKERS)
                    unit = "a chunk" if stream else "a call"
                    cost = await _load(call, seconds, WORKERS * 4 if stream else WORKERS)
                    rows.setdefault(f"{name:8} {what:9} {unit}", []).append(cost)
                    await transport.close()
    return rows


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    ours, theirs = multiprocessing.Pipe()
    upstream = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    upstream.start()
    try:
        rows = uvloop.run(_measure(f"http://127.0.0.1:{ours.recv()}/v1", rounds, seconds))
    finally:
        upstream.terminate()
    for name, costs in rows.items():
        other = rows[name.replace("stream  ", "aiohttp ", 1)]
        ratio = statistics.median(cost / base for cost, base in zip(costs, other, strict=True))
        print(f"{name}: {statistics.median(costs):7.1f} us, {ratio:.2f} x aiohttp")


if __name__ == "__main__":
    main()
