"""Bytes of provider answers for scripts: whole HTTP responses, heads, chunked pieces and chat frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final


def http(
    body: bytes = b"", *, status: str = "200 OK", headers: Iterable[str] = (), kind: str = "application/json"
) -> bytes:
    """A whole response with its content-length."""
    return head(f"content-type: {kind}", f"content-length: {len(body)}", *headers, status=status) + body


def head(*headers: str, status: str = "200 OK") -> bytes:
    """A status line and exactly these header lines."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; of b"" the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK: Final = chunk(b"")
SSE_HEAD: Final = head("content-type: text/event-stream", "transfer-encoding: chunked")


def completion_body(content: str | None = "Hello!", *, finish: str | None = "stop", **fields: Any) -> bytes:
    """A chat completion as OpenAI writes it."""
    message = {"role": "assistant", "content": content, "refusal": None}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
            **fields,
        }
    ).encode()


def completion(content: str | None = "Hello!", *, headers: Iterable[str] = (), **fields: Any) -> bytes:
    """A whole response with a chat completion."""
    return http(completion_body(content, **fields), headers=headers)


def error(status: str, *, message: str = "No.", headers: Iterable[str] = (), **fields: Any) -> bytes:
    """A whole response with OpenAI's error body."""
    body = {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}
    }
    return http(json.dumps(body).encode(), status=status, headers=headers)


def event(data: bytes) -> bytes:
    """One server-sent event."""
    return b"data: " + data + b"\n\n"


DONE: Final = event(b"[DONE]")


def frame_json(delta: dict[str, Any], *, finish: str | None = None, **fields: Any) -> bytes:
    """The payload of one chat.completion.chunk."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            **fields,
        }
    ).encode()


ROLE: Final = chunk(event(frame_json({"role": "assistant", "content": ""})))
STOP: Final = chunk(event(frame_json({}, finish="stop")))


def frame(content: str) -> bytes:
    """One chunked frame with a piece of text."""
    return chunk(event(frame_json({"content": content})))


def stream(*contents: str) -> bytes:
    """A whole streamed response: head, role, pieces of text, stop, [DONE]."""
    return SSE_HEAD + ROLE + b"".join(map(frame, contents)) + STOP + chunk(DONE) + LAST_CHUNK
