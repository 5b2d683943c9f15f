"""Microseconds of the OpenAI codec, as a ratio to decoding the same JSON. Run: python benchmarks/bench_openai.py"""

from __future__ import annotations

import json
from collections.abc import Callable
from timeit import repeat

import msgspec

from synthlang_router.wire.body import read_object
from synthlang_router.wire.openai import fold, read_completion, read_request, read_stream, refresh, unfold

WORDS = [f"word{at} " for at in range(100)]
TOP = {
    "id": "chatcmpl-9aXk",
    "created": 1735689600,
    "model": "gpt-4o-2024-08-06",
    "system_fingerprint": "fp_5f2",
}
USAGE = {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350}


def frame(delta: dict[str, object], finish: str | None = None, **fields: object) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return msgspec.json.encode({**TOP, "object": "chat.completion.chunk", "choices": [choice], **fields})


def request(size: int) -> bytes:
    text = "The quick brown fox jumps over the lazy dog. " * (size // 45)
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": text},
    ]
    body = {"model": "gpt-4o", "messages": messages, "temperature": 0.2, "stream": True}
    return msgspec.json.encode(body)


def microseconds(call: Callable[[], object], number: int = 2000) -> float:
    return min(repeat(call, number=number, repeat=5)) / number * 1e6


def show(name: str, cost: float, base: float) -> None:
    print(f"{name:40} {cost:10.2f} µs {cost / base:6.1f}")


def main() -> None:
    payloads = [frame({"content": word}) for word in WORDS] + [frame({}, "stop")]
    asked = [frame({"content": word}, usage=None) for word in WORDS] + [frame({}, "stop", usage=None)]
    decode = microseconds(lambda: [msgspec.json.decode(payload) for payload in payloads], 200) / len(payloads)
    print("per chunk, to decoding its JSON")
    show("msgspec.json.decode alone", decode, decode)
    for name, given, hide in (("read_stream", payloads, False), ("read_stream, usage hidden", asked, True)):
        blocks = [b"data: " + payload + b"\n\n" for payload in given]
        joined = b"".join(blocks)

        def single(blocks: list[bytes] = blocks, hide: bool = hide) -> None:
            stream = read_stream(hide_usage=hide)
            for block in blocks:
                stream.feed(block)

        show(f"{name}, a block a chunk", microseconds(single, 200) / len(payloads), decode)
        whole = microseconds(lambda joined=joined, hide=hide: read_stream(hide_usage=hide).feed(joined), 200)  # type: ignore[misc]
        show(f"{name}, one block", whole / len(payloads), decode)
    chunks = read_stream().feed(b"".join(b"data: " + payload + b"\n\n" for payload in payloads))
    show("fold", microseconds(lambda: fold(chunks), 200) / len(chunks), decode)

    message = {"role": "assistant", "content": "".join(WORDS)}
    answer = {
        **TOP,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    raw = json.dumps(
        {"id": "a", "object": "chat.completion", "created": 1, **answer, "usage": USAGE}
    ).encode()
    completion = read_completion(raw)
    base = microseconds(lambda: msgspec.json.decode(raw))
    print(f"per answer of {len(raw)} bytes, to decoding its JSON")
    show("msgspec.json.decode alone", base, base)
    show("read_completion", microseconds(lambda: read_completion(raw)), base)
    show("refresh", microseconds(lambda: refresh(completion, new_id="b", created=2)), base)
    show(
        "unfold",
        microseconds(lambda: unfold(completion, new_id="b", created=2, include_usage=True), 500),
        base,
    )

    for size in (1_000, 10_000, 1_000_000):
        body = request(size)
        number = 2000 if size < 100_000 else 20
        base = microseconds(lambda body=body: msgspec.json.decode(body), number)  # type: ignore[misc]
        print(f"per request of {len(body)} bytes, to decoding its JSON")
        show("read_object", microseconds(lambda body=body: read_object(body), number), base)  # type: ignore[misc]
        show("read_request", microseconds(lambda body=body: read_request(body, "chat"), number), base)  # type: ignore[misc]


if __name__ == "__main__":
    main()
