"""An ASGI client without a server: sends one request to the app and keeps what comes back; may hang up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


@dataclass(slots=True)
class Reply:
    """What the app answered so far."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[str]:
        """The `data:` payloads of a stream, `[DONE]` included."""
        return [
            line.removeprefix("data: ")
            for line in self.body.decode().split("\n\n")
            if line.startswith("data: ")
        ]

    def text(self) -> str:
        """The content of a streamed answer."""
        chunks = [json.loads(event) for event in self.events() if event != "[DONE]"]
        return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c.get("choices"))


class ASGIClient:
    """`key` goes as a bearer token; each call is one request on a connection of its own."""

    def __init__(self, app: App, key: str | None = None) -> None:
        self.app = app
        self.key = key

    async def chat(self, text: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **fields}
        return await self.post("/v1/chat/completions", body, headers=headers)

    async def post(
        self,
        path: str,
        body: Any,
        *,
        headers: dict[str, str] | None = None,
        reply: Reply | None = None,
        gone: asyncio.Event | None = None,
    ) -> Reply:
        """`body` is bytes or a JSON value. Setting `gone` is the client hanging up."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self._call("POST", path, data, headers, Reply() if reply is None else reply, gone)

    async def get(self, path: str, *, headers: dict[str, str] | None = None) -> Reply:
        return await self._call("GET", path, b"", headers, Reply(), None)

    async def send(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Reply:
        """Any method; `body` is bytes, a JSON value, or None for none."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self._call(method, path, data, headers, Reply(), None)

    async def _call(
        self,
        method: str,
        path: str,
        data: bytes,
        headers: dict[str, str] | None,
        reply: Reply,
        gone: asyncio.Event | None,
    ) -> Reply:
        given = {"content-type": "application/json", **(headers or {})}
        if self.key is not None:
            given.setdefault("authorization", f"Bearer {self.key}")
        path, _, query = path.partition("?")
        scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        sent = False
        left = asyncio.Event() if gone is None else gone

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": data, "more_body": False}
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {k.decode().lower(): v.decode("latin-1") for k, v in message["headers"]}
            else:
                reply.parts.append(message.get("body", b""))
                reply.ended = not message.get("more_body", False)

        await self.app(scope, receive, send)
        return reply
