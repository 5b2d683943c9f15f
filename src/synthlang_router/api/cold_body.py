"""Bodies and queries of the cold routes as values: read to a bound, decoded once, refused in the reader's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from fastapi import Request

from synthlang_router.errors import InvalidRequest, RequestTooLarge

T = TypeVar("T")
_PLACE: Final = re.compile(r" - at `\$\.([A-Za-z0-9_.\[\]]{1,200})`\Z")


async def read_body(request: Request, most: int) -> bytes:
    """Raises RequestTooLarge over `most` bytes, without reading on."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise RequestTooLarge(f"The request body is over {most} bytes.")
    return bytes(body)


def decoded(body: bytes, kind: type[T]) -> T:
    """Raises InvalidRequest, with the place as its `param` where the reader knows it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not what this path takes: {error}", param=_place(error)) from None


def asked(query: Mapping[str, str], kind: type[T]) -> T:
    """A query string's values: text becomes what the fields want."""
    try:
        return msgspec.convert(dict(query), kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The query is not what this path takes: {error}", param=_place(error)) from None


def _place(error: Exception) -> str | None:
    found = _PLACE.search(str(error))
    return None if found is None else found[1]
