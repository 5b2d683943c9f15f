"""The router of `/admin/v1`: actions become routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from synthlang_router.api.access import caller_of, declared
from synthlang_router.api.admin.action import Action, Actions, Call, Nothing, Reply
from synthlang_router.api.admin.description import described
from synthlang_router.api.admin.noting import Noting
from synthlang_router.api.cold_body import asked, decoded, read_body
from synthlang_router.errors import InvalidRequest

PREFIX: Final = "/admin/v1"
MAX_BODY: Final = 1_000_000
_KEYS: Final = ("authorization", "x-synthlang-key", "x-api-key", "x-goog-api-key")
_ONCE_LENGTHS: Final = range(8, 256)
Endpoint = Callable[[Request], Awaitable[Response]]


def admin_router(actions: Actions, noting: Noting) -> APIRouter:
    """All actions, and their description for admins."""
    router = APIRouter(prefix=PREFIX)
    document = msgspec.json.encode(described(actions, PREFIX))

    async def describe(request: Request) -> Response:
        return Response(document, media_type="application/json")

    for action in actions:
        router.add_api_route(
            action.path,
            _endpoint(action, noting),
            methods=[action.method],
            name=action.name,
            openapi_extra=declared(action.access),
        )
    router.add_api_route("/openapi.json", describe, openapi_extra=declared("admin"))
    return router


def _endpoint(action: Action[Any, Any], noting: Noting) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        response = _rendered(await noting.done(action, await _call(action, request)))
        response.headers["cache-control"] = "no-store"
        return response

    return endpoint


async def _call(action: Action[Any, Any], request: Request) -> Call[Any, Any]:
    raw = await read_body(request, MAX_BODY)
    return Call(
        caller_of(request),
        request.path_params,
        asked(request.query_params, action.query),
        decoded(raw or b"{}", action.body) if action.body is not Nothing else Nothing(),
        request.headers.get("if-match"),
        _once(action, request),
    )


def _once(action: Action[Any, Any], request: Request) -> bytes | None:
    """What is the same for the same asker, action and Idempotency-Key, and nobody else can compute."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    if len(given) not in _ONCE_LENGTHS:
        raise InvalidRequest("An Idempotency-Key has 8 to 255 characters.", param="Idempotency-Key")
    own = [request.headers.get(name, "") for name in _KEYS]
    return msgspec.json.encode([action.name, dict(request.path_params), given, own])


def _rendered(reply: Reply) -> Response:
    if reply.stream is not None:
        return StreamingResponse(reply.stream, reply.status, media_type=reply.media)
    response = Response(msgspec.json.encode(reply.value), reply.status, media_type=reply.media)
    if reply.etag is not None:
        response.headers["etag"] = f'"{reply.etag}"'
    return response
