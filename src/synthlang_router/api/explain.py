"""`POST /v1/route/explain`: where a request would go and why. No provider is called, nothing is recorded or counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response

from synthlang_router.api.access import caller_of, declared
from synthlang_router.api.cold_body import asked, read_body
from synthlang_router.api.headers import read_wishes
from synthlang_router.api.manners import MANNERS
from synthlang_router.errors import InvalidRequest
from synthlang_router.llm_provider import Way
from synthlang_router.models import Caller, ChatRequest, Wishes
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.passage import PASSAGES, read_passage

MAX_BODY: Final = 8_000_000


class ExplainAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kind` of request: chat, messages, responses, completions, embeddings, count_tokens, or a passage's."""

    kind: Annotated[str, msgspec.Meta(max_length=40)] = "chat"


class Explained(msgspec.Struct, frozen=True, omit_defaults=True):
    """`reason` is what `x-synthlang-route` says; `targets` in the order in which they would be asked now.

    `dropped` and `renamed` are what the router's own choice of model does to the request; `conversation` says whether
    the request goes on with one, which stays where it was.
    """

    model: str
    reason: str
    policy: str
    targets: tuple[Way, ...]
    dropped: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    hedge: bool = False
    timeouts: dict[str, float] = {}
    conversation: bool = False


Explain = Callable[[Caller, ChatRequest, Wishes], Explained]


class RouteExplain:
    """`explain` does it; raises what the request itself would."""

    def __init__(self, explain: Explain, wishes: Callable[[], Wishes]) -> None:
        self._explain = explain
        self._wishes = wishes

    def router(self) -> APIRouter:
        router = APIRouter()
        for prefix in ("/v1", ""):
            router.add_api_route(
                f"{prefix}/route/explain", self.explain, methods=["POST"], openapi_extra=declared("key")
            )
        return router

    async def explain(self, request: Request) -> Response:
        caller = caller_of(request)
        kind = asked(request.query_params, ExplainAsked).kind
        wishes = read_wishes(request.scope["headers"], b"", caller, self._wishes())
        found = self._explain(caller, read_as(await read_body(request, MAX_BODY), kind), wishes)
        return Response(msgspec.json.encode(found), media_type="application/json")


def read_as(body: bytes, kind: str) -> ChatRequest:
    """A body as a request of a kind. Raises InvalidRequest."""
    if kind in PASSAGES:
        return read_passage(body, kind)
    if kind not in MANNERS:
        known = ", ".join(MANNERS)
        raise InvalidRequest(f"The kind of request is one of {known}.", param="kind")
    return DIALECTS[MANNERS[kind].dialect].read_request(body, kind)
