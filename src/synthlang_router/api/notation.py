"""`POST /v1/synthlang/compress` and `/decompress`: the notation for other programs. No provider is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from synthlang_router.api.access import declared
from synthlang_router.api.cold_body import decoded, read_body
from synthlang_router.models import CompressionLevel

MAX_BODY: Final = 8_000_000


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
        compress: Callable[[bytes, str, CompressionLevel], Compressed],
        decompress: Callable[[str], bytes],
    ) -> None:
        self._compress = compress
        self._decompress = decompress

    def router(self) -> APIRouter:
        router = APIRouter()
        for prefix in ("/v1", ""):
            for name, endpoint in (("compress", self.compress), ("decompress", self.decompress)):
                router.add_api_route(
                    f"{prefix}/synthlang/{name}", endpoint, methods=["POST"], openapi_extra=declared("key")
                )
        return router

    async def compress(self, request: Request) -> Response:
        asked = decoded(await read_body(request, MAX_BODY), Compress)
        found = await asyncio.to_thread(self._compress, bytes(asked.messages), asked.model, asked.level)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def decompress(self, request: Request) -> Response:
        asked = decoded(await read_body(request, MAX_BODY), Decompress)
        messages = await asyncio.to_thread(self._decompress, asked.stored)
        return Response(b'{"messages":' + messages + b"}", media_type="application/json")
