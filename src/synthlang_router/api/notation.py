"""`POST /v1/synthlang/compress` and `/decompress`: the notation for other programs. No provider is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response

from synthlang_router.api.headers import Headers
from synthlang_router.errors import InvalidRequest, RequestTooLarge
from synthlang_router.models import Caller, CompressionLevel

MAX_BODY: Final = 8_000_000
T = TypeVar("T")


class Compress(msgspec.Struct, frozen=True):
    """`messages` as in a chat request; the answer's `stored` is what decompress takes."""

    messages: msgspec.Raw
    model: str = "gpt-4o"
    level: CompressionLevel = "readable"


class Compressed(msgspec.Struct, frozen=True):
    """`messages` is what a model would see. Token counts are of the texts that changed."""

    messages: msgspec.Raw
    stored: str
    tokens_before: int
    tokens_after: int
    exact: bool


class Decompress(msgspec.Struct, frozen=True):
    """`stored` as compress gave it."""

    stored: str


class Notation:
    """`compress` and `decompress` are the feature's, as callables; both run beside the event loop."""

    def __init__(
        self,
        *,
        verify_api_key: Callable[[Headers], Caller],
        compress: Callable[[bytes, str, CompressionLevel], Compressed],
        decompress: Callable[[str], bytes],
    ) -> None:
        self._verify_api_key = verify_api_key
        self._compress = compress
        self._decompress = decompress

    def router(self) -> APIRouter:
        router = APIRouter()
        for prefix in ("/v1", ""):
            router.add_api_route(f"{prefix}/synthlang/compress", self.compress, methods=["POST"])
            router.add_api_route(f"{prefix}/synthlang/decompress", self.decompress, methods=["POST"])
        return router

    async def compress(self, request: Request) -> Response:
        asked = _decoded(await self._body(request), Compress)
        found = await asyncio.to_thread(self._compress, bytes(asked.messages), asked.model, asked.level)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def decompress(self, request: Request) -> Response:
        asked = _decoded(await self._body(request), Decompress)
        messages = await asyncio.to_thread(self._decompress, asked.stored)
        return Response(b'{"messages":' + messages + b"}", media_type="application/json")

    async def _body(self, request: Request) -> bytes:
        self._verify_api_key(request.scope["headers"])
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                raise RequestTooLarge(f"The request body is over {MAX_BODY} bytes.")
        return bytes(body)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not what this path takes: {error}") from None
