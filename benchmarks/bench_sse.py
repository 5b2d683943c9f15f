"""Microseconds per event of the SSE decoder, as a ratio to splitting the same bytes. Run: python benchmarks/bench_sse.py"""

from __future__ import annotations

from timeit import repeat

from synthlang_router.wire.sse import EventDecoder

PAYLOAD = (
    b'data: {"id":"chatcmpl-9aXk","object":"chat.completion.chunk","created":1735689600,"model":"gpt-4o-2024-08-06",'
    b'"service_tier":"default","system_fingerprint":"fp_5f2","choices":[{"index":0,"delta":{"content":" word"},'
    b'"logprobs":null,"finish_reason":null}]}\n\n'
)
EVENTS = 100
WHOLE = PAYLOAD * EVENTS


def pieces(size: int, stream: bytes = WHOLE) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def decode(blocks: list[bytes]) -> None:
    decoder = EventDecoder()
    for block in blocks:
        decoder.feed(block)
    decoder.end()


def microseconds(blocks: list[bytes], events: int = EVENTS) -> float:
    return min(repeat(lambda: decode(blocks), number=20, repeat=5)) / 20 / events * 1e6


def main() -> None:
    split = min(repeat(lambda: WHOLE.split(b"\n\n"), number=200, repeat=5)) / 200 / EVENTS * 1e6
    cases = {
        "all in one block": [WHOLE],
        "ten events a block": pieces(len(PAYLOAD) * 10),
        "one event a block": pieces(len(PAYLOAD)),
        "1,000-byte packets": pieces(1000),
        "CRLF, one block": [WHOLE.replace(b"\n", b"\r\n")],
        "with comments, one block": [WHOLE.replace(b"\n\n", b"\n\n: ping\n\n")],
        "one byte at a time": pieces(1),
    }
    print(f"{'bytes.split alone':28} {split:7.3f} µs/event   1.0")
    for name, blocks in cases.items():
        cost = microseconds(blocks)
        print(f"{name:28} {cost:7.3f} µs/event {cost / split:5.1f}")
    small, large = (
        microseconds(pieces(4096, b"data: " + b"x" * size + b"\n\n"), 1) for size in (300_000, 3_000_000)
    )
    print(f"a line ten times as long costs {large / small:.1f} times as much (linear: 10)")


if __name__ == "__main__":
    main()
