"""`POST /v1/feedback`: what a client thinks of an answer it got from the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response

from synthlang_router.api.access import caller_of, declared
from synthlang_router.api.cold_body import decoded, read_body
from synthlang_router.errors import NotFound

MAX_BODY: Final = 10_000
_ROW: Final = 32
"""Characters at the end of a response's id that are its row's."""


class Feedback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`id` as in the answer's body; `right`: whether it answered the question that was asked."""

    id: Annotated[str, msgspec.Meta(min_length=_ROW, max_length=200)]
    right: bool


class Noted(msgspec.Struct, frozen=True):
    """The word was taken."""

    id: str
    noted: bool = True


class FeedbackDesk:
    """`report(row, tenant, right)`: False where this is no answer of the cache's that the tenant got lately."""

    def __init__(self, report: Callable[[str, str, bool], bool]) -> None:
        self._report = report

    def router(self) -> APIRouter:
        router = APIRouter()
        for prefix in ("/v1", ""):
            router.add_api_route(
                f"{prefix}/feedback", self.note, methods=["POST"], openapi_extra=declared("key")
            )
        return router

    async def note(self, request: Request) -> Response:
        given = decoded(await read_body(request, MAX_BODY), Feedback)
        if not self._report(given.id[-_ROW:], caller_of(request).tenant_id, given.right):
            raise NotFound("There is no answer of this id that came from the cache lately.", param="id")
        return Response(msgspec.json.encode(Noted(given.id)), media_type="application/json")
