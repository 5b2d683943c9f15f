"""Every route of the gateway and who may use it. A new route adds its line here."""

from __future__ import annotations

import fastapi
import pytest
from fastapi.routing import iter_route_contexts

from synthlang_router.api.access import MAY, access_of
from synthlang_router.api.edge import Edge
from synthlang_router.api.operations import Operations, cold_app
from synthlang_router.models import Caller
from tests.doubles.answers import completion
from tests.doubles.asgi import ASGIClient
from tests.way.conftest import ADMIN, KEY, OpenHouse

ACCESS = """
DELETE /admin/v1/interactions/{row_id} admin
DELETE /admin/v1/keys/{key_id} admin
GET /admin/v1/audit admin
GET /admin/v1/audit/verify admin
GET /admin/v1/budgets read-only
GET /admin/v1/cache read-only
GET /admin/v1/config admin
GET /admin/v1/health operator
GET /admin/v1/interactions read-only
GET /admin/v1/interactions/export operator
GET /admin/v1/interactions/search operator
GET /admin/v1/interactions/{row_id} read-only
GET /admin/v1/interactions/{row_id}/content operator
GET /admin/v1/keys read-only
GET /admin/v1/keys/{key_id} read-only
GET /admin/v1/limits read-only
GET /admin/v1/openapi.json admin
GET /admin/v1/usage read-only
GET /health/live public
GET /health/ready public
GET /metrics loopback
GET /models key
GET /models/{name:path} key
GET /v1/models key
GET /v1/models/{name:path} key
PATCH /admin/v1/keys/{key_id} admin
POST /admin/v1/cache/explain operator
POST /admin/v1/cache/purge operator
POST /admin/v1/erase admin
POST /admin/v1/keys admin
POST /admin/v1/keys/{key_id}/rotate admin
POST /audio/speech key
POST /audio/transcriptions key
POST /audio/translations key
POST /chat/completions key
POST /completions key
POST /embeddings key
POST /feedback key
POST /images/edits key
POST /images/generations key
POST /images/variations key
POST /messages key
POST /messages/count_tokens key
POST /moderations key
POST /responses key
POST /route/explain key
POST /synthlang/compress key
POST /synthlang/decompress key
POST /v1/audio/speech key
POST /v1/audio/transcriptions key
POST /v1/audio/translations key
POST /v1/chat/completions key
POST /v1/completions key
POST /v1/embeddings key
POST /v1/feedback key
POST /v1/images/edits key
POST /v1/images/generations key
POST /v1/images/variations key
POST /v1/messages key
POST /v1/messages/count_tokens key
POST /v1/moderations key
POST /v1/responses key
POST /v1/route/explain key
POST /v1/synthlang/compress key
POST /v1/synthlang/decompress key
"""


def routes_of(edge: Edge) -> list[str]:
    assert isinstance(edge.cold, fastapi.FastAPI)
    cold = [
        f"{method} {route.path} {access_of(route)}"
        for route in iter_route_contexts(edge.cold.routes)
        for method in route.methods or ()
    ]
    return sorted(cold + [f"POST {path} key" for path in edge.hot])


async def test_every_route_declares_who_may_use_it(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]])

    served, listed = routes_of(house.gateway.app), ACCESS.split("\n")[1:-1]

    assert sorted(set(served) - set(listed)) == []  # a new route adds its line, with who may use it
    assert len(served) == len(set(served)) > 50
    assert listed == sorted(set(listed))


async def test_without_a_key_only_public_routes_answer(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]])

    for line in routes_of(house.gateway.app):
        method, path, access = line.split()
        named = {"x-request-id": "mine-1"}
        reply = await house.as_key(None).send(method, path, None if method == "GET" else {}, headers=named)
        assert reply.headers["x-request-id"] == "mine-1", line
        assert (reply.status == 401) == (access not in ("public", "loopback")), line


async def test_each_role_passes_exactly_where_it_may(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]])
    admin = house.as_key(ADMIN)
    secrets = {"admin": ADMIN, "user": KEY}
    for role in ("operator", "read-only"):
        reply = await admin.send("POST", "/admin/v1/keys", {"name": role, "role": role, "tenant": "acme"})
        secrets[role] = reply.json()["secret"]

    for line in routes_of(house.gateway.app):
        method, path, access = line.split()
        if access in MAY and path not in house.gateway.app.hot and path != "/metrics":
            for role, secret in secrets.items():
                reply = await house.as_key(secret).send(method, path, None if method == "GET" else b"x")
                assert (reply.status == 403) == (role not in MAY[access]), (line, role)


async def test_a_route_that_declares_nothing_is_closed_to_everybody() -> None:
    async def forgotten() -> dict[str, str]:
        return {"all": "mine"}

    router = fastapi.APIRouter()
    router.add_api_route("/forgotten", forgotten)
    operations = Operations(
        verify_api_key=lambda headers: Caller("t", "u", "k", "n", role="admin"),
        models=NoModels(),
        ready=dict,
        metrics=bytes,
        new_request_id=lambda: "req_1",
        started=0,
    )

    reply = await ASGIClient(cold_app(operations, router), "any").get("/forgotten")

    assert (reply.status, reply.json()["error"]["code"]) == (403, "permission_denied")


class NoModels:
    def public_models(self, caller: Caller) -> list[str]:
        return []

    def serves(self, name: str, caller: Caller) -> bool:
        return False


@pytest.mark.parametrize("path", ["/admin/v1/keys", "/v1/models", "/v1/chat/completions"])
async def test_a_crafted_host_opens_nothing(open_house: OpenHouse, path: str) -> None:
    house = await open_house([[completion("hello")]])

    reply = await house.as_key(None).send(
        "POST" if "chat" in path else "GET", path, headers={"host": "127.0.0.1/health/live?"}
    )

    assert reply.status == 401
