"""Which models a provider lists: `GET /models`, asked in the background for the catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from synthlang_router.errors import ProviderProtocolError, ProviderUnavailable
from synthlang_router.llm_provider.provider import Provider, prepare
from synthlang_router.llm_provider.transport import UpstreamRequest

LIST_SECONDS: Final = 10.0
MAX_LIST: Final = 8_000_000


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Models(msgspec.Struct, frozen=True):
    """OpenAI and Anthropic list `data`, Gemini `models`, whose names begin with that word."""

    data: list[_Model] | None = None
    models: list[_Named] | None = None


_LIST: Final = msgspec.json.Decoder(_Models)


async def list_models(provider: Provider, clock: Callable[[], float]) -> list[str]:
    """The names as the provider gives them. Raises ProviderError where it gives no list."""
    endpoint = prepare(provider)
    response = await provider.transport.send(
        UpstreamRequest(
            method="GET",
            url=endpoint.urls["models"],
            headers=tuple(pair for pair in endpoint.plain if pair[0] != "content-type"),
            body=b"",
            timeouts=provider.timeouts,
            deadline=clock() + LIST_SECONDS,
            max_body=MAX_LIST,
        )
    )
    try:
        body = bytearray()
        while block := await response.read():
            body += block
    finally:
        response.close()
    if response.status != 200:
        raise ProviderUnavailable("The provider gives no list of models.")
    try:
        found = _LIST.decode(bytes(body))
    except msgspec.DecodeError:
        found = _Models()
    if found.data is not None:
        return [model.id for model in found.data]
    if found.models is not None:
        return [model.name.removeprefix("models/") for model in found.models]
    raise ProviderProtocolError("The provider's list of models is not one.")
