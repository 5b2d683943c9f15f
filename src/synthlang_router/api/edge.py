"""`Edge`: the ASGI callable in front of FastAPI; it takes the hot paths by `scope["path"]`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from synthlang_router.api.errors import error_response
from synthlang_router.api.exchange import AsgiExchange, Exchange, Receive, Scope, Send
from synthlang_router.api.manners import dialect_at
from synthlang_router.api.unserved import realtime
from synthlang_router.errors import MethodNotAllowed
from synthlang_router.telemetry import new_request_id

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Resource = Callable[[Exchange], Awaitable[None]]

_WEBSOCKET: Final = (b"upgrade", b"websocket")


class Edge:
    """`hot` maps paths to resources that are served for POST without any framework; `cold` is the rest.

    `direct` is the same map for a protocol of ours, which needs no ASGI scope.
    """

    def __init__(self, hot: Mapping[str, Resource], cold: ASGIApp) -> None:
        self.hot = {**hot, **{path.removeprefix("/v1"): resource for path, resource in hot.items()}}
        self.direct = {path.encode(): resource for path, resource in self.hot.items()}
        self.cold = cold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["method"] == "GET" and any(
                (name, value.lower()) == _WEBSOCKET for name, value in scope["headers"]
            ):
                await _refuse_upgrade(AsgiExchange(scope, receive, send))
                return
            resource = self.hot.get(scope["path"])
            if resource is not None:
                exchange = AsgiExchange(scope, receive, send)
                await (
                    resource(exchange)
                    if scope["method"] == "POST"
                    else _refuse_method(exchange, scope["method"])
                )
                return
            send = _with_request_id(AsgiExchange(scope, receive, send), send)
        await self.cold(scope, receive, send)


def _with_request_id(exchange: Exchange, send: Send) -> Send:
    """Whatever a cold route answers, it carries the request's id."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            if not any(name == b"x-request-id" for name, _ in headers):
                message["headers"] = [*headers, _request_id(exchange)]
        await send(message)

    return sending


async def _refuse_method(exchange: Exchange, method: str) -> None:
    error = MethodNotAllowed(f"{method} is not allowed here; this path takes POST.")
    status, headers, body = error_response(error, dialect_at(exchange.head.path), None, 0.0)
    await exchange.respond(status, [*headers, (b"allow", b"POST"), _request_id(exchange)], body)


async def _refuse_upgrade(exchange: Exchange) -> None:
    status, headers, body = error_response(realtime(), "openai", None, 0.0)
    told = [(b"upgrade", b"HTTP/1.1"), (b"connection", b"close"), _request_id(exchange)]
    await exchange.respond(status, headers + told, body)


def _request_id(exchange: Exchange) -> tuple[bytes, bytes]:
    request_id = exchange.head.request_id
    return b"x-request-id", (new_request_id() if request_id is None else request_id).encode()
