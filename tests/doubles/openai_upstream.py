"""An OpenAI-like provider as a process of its own: enough of chat, embeddings and models for the real SDK.

What it does is asked for in the last user text: `[[status=503]]`, `[[chunks=20 delay=50]]`, `[[cut=3]]`,
`[[wait=200]]` (milliseconds before anything), `[[tool]]`. `GET /_log` tells what it saw: calls, bodies, and which
calls were closed by the peer before they were answered in full.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any

STATUS_TYPES = {
    400: ("invalid_request_error", "bad_thing"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


class OpenAIUpstream:
    """One process, one log."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, limit=1 << 22)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) != b"":
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ", 2)
                headers = {
                    k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await self._answer(method, path, headers, body, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if path == "/_log":
            await _json(writer, {"calls": self.calls})
        elif path.endswith("/models"):
            data = [
                {"id": name, "object": "model", "created": 1, "owned_by": "upstream"}
                for name in ("m-large", "m-small")
            ]
            await _json(writer, {"object": "list", "data": data})
        elif path.endswith("/embeddings"):
            await self._embed(headers, body, writer)
        else:
            await self._chat(path, headers, body, reader, writer)

    async def _embed(self, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        request = json.loads(body)
        self.calls.append({"path": "embeddings", "headers": headers, "body": request, "ended": "complete"})
        texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
        data = [{"object": "embedding", "index": i, "embedding": [0.6, 0.8]} for i, _ in enumerate(texts)]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        await _json(writer, {"object": "list", "data": data, "model": request["model"], "usage": usage})

    async def _chat(
        self,
        path: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        request = json.loads(body)
        text = _last_text(request)
        call: dict[str, Any] = {"path": path, "headers": headers, "body": request, "ended": "open"}
        self.calls.append(call)
        work = asyncio.ensure_future(self._work(request, text, writer))
        gone = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done() and not isinstance(work.exception(), ConnectionError):
            gone.cancel()
            call["ended"] = "cut" if "[[cut" in text else "complete"
            await asyncio.gather(gone, return_exceptions=True)
            work.result()
        else:
            work.cancel()
            call["ended"] = "closed by peer"
            await asyncio.gather(work, gone, return_exceptions=True)
            raise ConnectionResetError

    async def _work(self, request: dict[str, Any], text: str, writer: asyncio.StreamWriter) -> None:
        wait = _option(text, "wait", 0)
        if wait:
            await asyncio.sleep(wait / 1000)
        status = _option(text, "status", 200)
        if status != 200:
            kind, code = STATUS_TYPES.get(status, ("server_error", None))
            error = {"message": f"upstream says {status}", "type": kind, "param": None, "code": code}
            await _json(writer, {"error": error}, status)
        elif request.get("stream"):
            await self._stream(request, text, writer)
        else:
            await _json(writer, _completion(request, text))

    async def _stream(self, request: dict[str, Any], text: str, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
            b"openai-version: 2020-10-01\r\nset-cookie: a=b\r\n\r\n"
        )
        cut, delay = _option(text, "cut", -1), _option(text, "delay", 0)
        answer = _completion(request, text)
        for number, delta in enumerate(_deltas(answer, _option(text, "chunks", 4))):
            if number == cut:
                writer.close()
                return
            if delay:
                await asyncio.sleep(delay / 1000)
            _event(writer, _chunk(answer, delta, None))
            await writer.drain()
        _event(writer, _chunk(answer, {}, answer["choices"][0]["finish_reason"]))
        if (request.get("stream_options") or {}).get("include_usage"):
            _event(writer, {**_chunk(answer, {}, None), "choices": [], "usage": answer["usage"]})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


def _last_text(request: dict[str, Any]) -> str:
    content = request["messages"][-1].get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _option(text: str, name: str, default: int) -> int:
    found = re.search(rf"\[\[[^]]*\b{name}=(\d+)", text)
    return default if found is None else int(found[1])


def _completion(request: dict[str, Any], text: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": f"You said: {text}", "refusal": None}
    finish = "stop"
    if "[[tool]]" in text:
        call = {"name": request["tools"][0]["function"]["name"], "arguments": '{"city": "Oslo"}'}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        }
        finish = "tool_calls"
    elif (request.get("response_format") or {}).get("type") == "json_schema":
        message["content"] = '{"city": "Oslo", "degrees": 7}'
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16},
    }


def _deltas(answer: dict[str, Any], pieces: int) -> list[dict[str, Any]]:
    message = answer["choices"][0]["message"]
    if message.get("tool_calls"):
        call = message["tool_calls"][0]
        head = {
            "index": 0,
            "id": call["id"],
            "type": "function",
            "function": {"name": call["function"]["name"], "arguments": ""},
        }
        tail = {"index": 0, "function": {"arguments": call["function"]["arguments"]}}
        return [{"role": "assistant", "content": None, "tool_calls": [head]}, {"tool_calls": [tail]}]
    text = message["content"]
    size = max(1, -(-len(text) // pieces))
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    parts += [""] * (pieces - len(parts))
    return [{"role": "assistant", "content": ""}, *({"content": part} for part in parts)]


def _chunk(answer: dict[str, Any], delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {name: answer[name] for name in ("id", "created", "model")}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def _event(writer: asyncio.StreamWriter, payload: dict[str, Any]) -> None:
    frame = b"data: " + json.dumps(payload).encode() + b"\n\n"
    writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))


async def _json(writer: asyncio.StreamWriter, value: dict[str, Any], status: int = 200) -> None:
    body = json.dumps(value).encode()
    retry = b"retry-after: 7\r\n" if status == 429 else b""
    writer.write(
        b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"
        % (status, retry, len(body), body)
    )
    await writer.drain()


if __name__ == "__main__":
    asyncio.run(OpenAIUpstream().serve(int(sys.argv[1])))
