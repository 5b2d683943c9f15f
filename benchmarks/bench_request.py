"""Benchmark: what one request and one chunk of a stream take in the process, by counts that no other load on the machine changes.

For `benchmarks/gateway/cfg/<name>.yaml` it runs the gateway and a plain upstream on loopback and counts, in the event
loop's thread, calls of Python functions and of C functions, with the dearest ones below. Wall clock and CPU are
`benchmarks/gateway`'s matter.

    python benchmarks/bench_request.py [ours-bare|ours|ours-full] [unary|stream] [--top 40]
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

import uvloop

from synthlang_router.api.server import GatewayServer, listen
from synthlang_router.config import load
from synthlang_router.main import open_gateway

HERE = Path(__file__).parent
WARM, COUNTED, CHUNKS = 50, 200, 50
WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"'
    + b"word "
    * 120
    + b'"},"finish_reason":"stop"}],"usage":{"prompt_tokens":300,'
    b'"completion_tokens":120,"total_tokens":420}}'
)
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,'
    b'"delta":{"content":"word "},"finish_reason":null}]}\n\n'
)
LAST = CHUNK.replace(b'"finish_reason":null', b'"finish_reason":"stop"') + b"data: [DONE]\n\n"


def upstream(listener: socket.socket) -> None:
    """Answers every request of one connection after the other; the head says whether it wants a stream."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    while _read_message(connection):
        if _streams:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            for block in [CHUNK] * CHUNKS + [LAST]:
                connection.sendall(b"%x\r\n%b\r\n" % (len(block), block))
                _pace.wait(0.002)
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(WHOLE), WHOLE)
            )


def _read_message(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65_536)
        if not block:
            return b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head


def ask(port: int, number: int) -> None:
    """So many requests over one connection, one after the other."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for serial in range(number):
            text = f"#{serial:012d} " + "please summarise this report about birds " * 24
            body = (
                '{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."},'
                f'{{"role":"user","content":"{text}"}}],"temperature":0.7,"stream":{str(_streams).lower()}}}'
            ).encode()
            connection.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-test\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            answer = b""
            while not (answer.endswith(b"0\r\n\r\n") if _streams else answer.endswith(WHOLE[-40:])):
                block = connection.recv(65_536)
                if not block:
                    raise ConnectionError(answer[:300])
                answer += block


def counter(calls: Counter[str]) -> None:
    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            code = frame.f_code
            calls[f"{Path(code.co_filename).stem}.{code.co_name}"] += 1
        elif event == "c_call":
            calls[f"C {getattr(argument, '__qualname__', argument)}"] += 1

    sys.setprofile(note)


async def measure(name: str) -> Counter[str]:
    taken = listen("127.0.0.1", 0)
    with tempfile.TemporaryDirectory() as folder:
        text = (HERE / "gateway" / "cfg" / f"{name}.yaml").read_text()
        text = text.replace("127.0.0.1:9000", f"127.0.0.1:{taken.getsockname()[1]}")
        path = Path(folder) / "gateway.yaml"
        path.write_text(text.replace("/tmp/synthlang-bench", folder))
        path.chmod(0o600)
        taken.setblocking(True)
        threading.Thread(target=upstream, args=(taken,), daemon=True).start()
        async with open_gateway(load(path, {}, Path(folder))) as gateway:
            server = GatewayServer(gateway.app, gateway.intake, drain_seconds=1, client_timeout=60)
            listener = listen("127.0.0.1", 0)
            serving = asyncio.create_task(server.serve_on(listener))
            port = listener.getsockname()[1]
            calls: Counter[str] = Counter()
            await asyncio.to_thread(ask, port, WARM)
            counter(calls)
            await asyncio.to_thread(ask, port, COUNTED)
            sys.setprofile(None)
            server.stop()
            await serving
            return calls


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?", default="ours-bare")
    parser.add_argument("kind", nargs="?", default="unary", choices=("unary", "stream"))
    parser.add_argument("--top", type=int, default=0)
    options = parser.parse_args()
    global _streams
    _streams = options.kind == "stream"
    calls = uvloop.run(measure(options.name))
    units = COUNTED * (CHUNKS + 1) if _streams else COUNTED
    in_c = sum(number for name, number in calls.items() if name.startswith("C "))
    unit = "chunk" if _streams else "request"
    print(
        f"{options.name} {unit}: {(sum(calls.values()) - in_c) / units:.1f} Python calls, {in_c / units:.1f} C calls"
    )
    for name, number in calls.most_common(options.top):
        print(f"{number / units:8.2f} {name}")


_streams = False
_pace = threading.Event()

if __name__ == "__main__":
    main()
