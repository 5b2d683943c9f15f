"""The cold routes: models, health, metrics, and every error in OpenAI's shape. FastAPI lives here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from synthlang_router.api.access import Guard, caller_of, declared
from synthlang_router.api.errors import error_response, foreseen
from synthlang_router.api.headers import Headers, read_request_id
from synthlang_router.api.manners import dialect_at
from synthlang_router.api.unserved import unserved
from synthlang_router.errors import (
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    RouterError,
)
from synthlang_router.models import Caller

JSON = "application/json"


class ModelList(Protocol):
    """The names a caller may ask for."""

    def public_models(self, caller: Caller) -> Sequence[str]: ...

    def serves(self, name: str, caller: Caller) -> bool: ...


class Operations:
    """What the cold routes need, given by main."""

    def __init__(
        self,
        *,
        verify_api_key: Callable[[Headers], Caller],
        models: ModelList,
        ready: Callable[[], dict[str, str]],
        metrics: Callable[[], bytes],
        new_request_id: Callable[[], str],
        started: int,
    ) -> None:
        self.verify_api_key = verify_api_key
        self.models = models
        self.ready = ready
        self.metrics = metrics
        self.new_request_id = new_request_id
        self.started = started

    def router(self) -> APIRouter:
        router = APIRouter()
        for prefix in ("/v1", ""):
            hidden = prefix == ""
            for path, endpoint in (
                ("/models", self.list_models),
                ("/models/{name:path}", self.retrieve_model),
            ):
                router.add_api_route(
                    prefix + path, endpoint, include_in_schema=not hidden, openapi_extra=declared("key")
                )
        router.add_api_route("/health/live", self.live, openapi_extra=declared("public"))
        router.add_api_route("/health/ready", self.readiness, openapi_extra=declared("public"))
        router.add_api_route("/metrics", self.show_metrics, openapi_extra=declared("loopback"))
        return router

    async def list_models(self, request: Request) -> Response:
        caller = caller_of(request)
        data = [self._model(name) for name in self.models.public_models(caller)]
        return _json({"object": "list", "data": data})

    async def retrieve_model(self, request: Request, name: str) -> Response:
        caller = caller_of(request)
        if not self.models.serves(name, caller):
            raise ModelNotFound(
                f"The model {name[:200]!r} does not exist or is not for this key.", param="model"
            )
        return _json(self._model(name))

    def _model(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self.started, "owned_by": "synthlang-router"}

    async def live(self) -> Response:
        return _json({"status": "live"})

    async def readiness(self) -> Response:
        missing = self.ready()
        return _json({"status": "not ready" if missing else "ready", **missing}, 503 if missing else 200)

    async def show_metrics(self) -> Response:
        return Response(self.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def cold_app(operations: Operations, *routers: APIRouter) -> FastAPI:
    """Everything that is not a hot path; `routers` are those of other features."""
    app = FastAPI(
        title="SynthLang Router",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(Guard(operations.verify_api_key))],
    )
    for router in (operations.router(), *routers):
        app.include_router(router)

    def render(request: Request, error: RouterError) -> Response:
        status, headers, body = error_response(error, dialect_at(request.scope["path"]), None, 0.0)
        request_id = read_request_id(request.scope["headers"]) or operations.new_request_id()
        headers += [(b"x-request-id", request_id.encode()), (b"content-length", b"%d" % len(body))]
        response = Response(body, status)
        response.raw_headers = headers
        return response

    async def router_error(request: Request, error: Exception) -> Response:
        return render(request, foreseen(error, "cold"))

    async def http_error(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            response = render(request, MethodNotAllowed(f"{request.method} is not allowed here."))
            for name, value in (error.headers or {}).items():
                response.headers[name] = value
            return response
        if isinstance(error, HTTPException) and error.status_code == 404:
            return render(request, unserved(request.scope["path"]))
        return render(request, InvalidRequest("The request could not be read."))

    app.add_exception_handler(RouterError, router_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, http_error)
    app.add_exception_handler(Exception, router_error)
    return app


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=JSON)
