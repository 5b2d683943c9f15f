"""Keys over HTTP: made once, shown without their secret, changed by one at a time, ended at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.answers import completion
from tests.doubles.asgi import ASGIClient
from tests.way.conftest import ADMIN, KEY, House, OpenHouse


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    opened: House = await open_house([[completion("hello")]])
    return opened


@pytest.fixture
def admin(house: House) -> ASGIClient:
    return house.as_key(ADMIN)


async def made(admin: ASGIClient, **fields: Any) -> tuple[str, dict[str, Any]]:
    reply = await admin.send("POST", "/admin/v1/keys", {"name": "app", **fields})
    assert reply.status == 201, reply.body
    told = reply.json()
    return told["secret"], told["key"]


async def test_a_made_key_is_good_at_once_and_its_secret_is_never_shown_again(
    house: House, admin: ASGIClient
) -> None:
    secret, key = await made(admin, tenant="acme", tags={"team": "a"}, limits={"concurrency": "unlimited"})

    answer = await house.as_key(secret).chat("hi")
    listed = await admin.get("/admin/v1/keys?tenant=acme")
    shown = await admin.get(f"/admin/v1/keys/{key['id']}")

    assert answer.status == 200
    assert secret.encode() not in listed.body + shown.body
    assert (key["limits"], key["tags"]) == ({"concurrency": "unlimited"}, {"team": "a"})
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["x-request-id"].startswith("req_")


async def test_a_revoked_key_is_refused_at_once_and_stays_in_the_list_of_all(
    house: House, admin: ASGIClient
) -> None:
    secret, key = await made(admin)

    first = await admin.send("DELETE", f"/admin/v1/keys/{key['id']}")
    again = await admin.send("DELETE", f"/admin/v1/keys/{key['id']}")
    answer = await house.as_key(secret).chat("hi")
    valid = (await admin.get("/admin/v1/keys")).json()["data"]
    every = (await admin.get("/admin/v1/keys?status=all")).json()["data"]

    assert (first.status, again.status, answer.status) == (200, 200, 401)
    assert first.json() == again.json()
    assert key["id"] not in {one["id"] for one in valid}
    assert key["id"] in {one["id"] for one in every}


async def test_a_key_of_the_file_that_was_revoked_over_http_stays_revoked_when_the_file_is_read_again(
    house: House, admin: ASGIClient
) -> None:
    [way] = [one for one in (await admin.get("/admin/v1/keys")).json()["data"] if one["name"] == "way"]

    await admin.send("DELETE", f"/admin/v1/keys/{way['id']}")
    await house.gateway.reload(house.gateway.loaded)

    assert (await house.as_key(KEY).chat("hi")).status == 401


async def test_a_change_holds_at_once_and_leaves_the_rest(house: House, admin: ASGIClient) -> None:
    secret, key = await made(admin, limits={"requests_per_minute": 5, "burst": 2}, models=["gpt-*"])

    reply = await admin.send(
        "PATCH", f"/admin/v1/keys/{key['id']}", {"routes": ["/v1/embeddings"], "limits": {"burst": None}}
    )

    assert reply.status == 200
    assert reply.json()["limits"] == {"requests_per_minute": 5.0}
    assert reply.json()["models"] == ["gpt-*"]
    refused = await house.as_key(secret).chat("hi")
    assert (refused.status, refused.json()["error"]["code"]) == (403, "permission_denied")


async def test_a_route_that_a_key_lacks_is_closed_on_cold_paths_too(house: House, admin: ASGIClient) -> None:
    secret, _ = await made(admin, routes=["/models"])

    client = house.as_key(secret)

    assert (await client.get("/v1/models")).status == 200
    assert (await client.get("/models")).status == 200
    assert (await client.get("/v1/models/alias")).status == 403
    assert (await client.chat("hi")).status == 403


async def test_of_two_changes_made_from_one_reading_the_second_is_refused(admin: ASGIClient) -> None:
    _, key = await made(admin)
    path = f"/admin/v1/keys/{key['id']}"
    etag = (await admin.get(path)).headers["etag"]

    first = await admin.send("PATCH", path, {"name": "one"}, headers={"if-match": etag})
    second = await admin.send("PATCH", path, {"name": "two"}, headers={"if-match": etag})
    third = await admin.send("PATCH", path, {"name": "three"}, headers={"if-match": first.headers["etag"]})

    assert (first.status, second.status, third.status) == (200, 412, 200)
    assert second.json()["error"]["code"] == "precondition_failed"
    assert (await admin.get(path)).json()["name"] == "three"


async def test_the_same_idempotency_key_makes_one_key_and_shows_the_same_secret(admin: ASGIClient) -> None:
    once = {"idempotency-key": "0b9a3f4e-retry"}
    body = {"name": "app", "tenant": "acme"}

    replies = [await admin.send("POST", "/admin/v1/keys", body, headers=once) for _ in range(3)]
    other = await admin.send("POST", "/admin/v1/keys", {"name": "another"}, headers=once)
    keys = [key for key in (await admin.get("/admin/v1/keys")).json()["data"] if key["name"] == "app"]

    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    assert len(keys) == 1
    assert (other.status, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


async def test_a_rotated_key_has_both_secrets_for_the_overlap_and_a_retry_makes_no_third(
    house: House, admin: ASGIClient
) -> None:
    old, key = await made(admin)
    path, once = f"/admin/v1/keys/{key['id']}/rotate", {"idempotency-key": "rotate-once"}

    rotated = await admin.send("POST", path, {"overlap": 60}, headers=once)
    retried = await admin.send("POST", path, {"overlap": 60}, headers=once)
    new = rotated.json()["secret"]

    assert rotated.body == retried.body
    assert [(await house.as_key(secret).chat("hi")).status for secret in (old, new)] == [200, 200]
    await admin.send("POST", path, {"overlap": 0})
    assert (await house.as_key(old).chat("hi")).status == 401


async def test_pages_go_through_all_keys_once(admin: ASGIClient) -> None:
    for number in range(7):
        await made(admin, name=f"k{number}")

    seen: list[str] = []
    path = "/admin/v1/keys?limit=3"
    while path:
        page = (await admin.get(path)).json()
        seen += [key["id"] for key in page["data"]]
        path = f"/admin/v1/keys?limit=3&after={page['next']}" if page["has_more"] else ""

    assert len(seen) == len(set(seen)) >= 11


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "param"),
    [
        ("POST", "/keys", {}, 400, None),
        ("POST", "/keys", {"name": "x", "role": "king"}, 400, "role"),
        ("POST", "/keys", {"name": "x", "tenant": "a b"}, 400, "tenant"),
        ("POST", "/keys", {"name": "x", "colour": 1}, 400, None),
        ("POST", "/keys", {"name": "x", "limits": {"burst": 0}}, 400, "limits.burst"),
        ("POST", "/keys", b"\xff", 400, None),
        ("POST", "/keys", b'{"name": "\\ud800"}', 400, None),
        ("POST", "/keys", b"[" * 100_000, 400, None),
        ("POST", "/keys", b" " * 1_000_001, 413, None),
        ("GET", "/keys?limit=0", None, 400, "limit"),
        ("GET", "/keys?what=1", None, 400, None),
        ("GET", "/keys?after=nobody", None, 400, "after"),
        ("GET", "/keys/nobody", None, 404, None),
        ("DELETE", "/keys/nobody", None, 404, None),
        ("PATCH", "/keys/nobody", {}, 404, None),
        ("POST", "/keys/nobody/rotate", {}, 404, None),
        ("PUT", "/keys", {}, 405, None),
        ("GET", "/nothing", None, 404, None),
    ],
)
async def test_what_cannot_be_done_is_refused_in_openais_shape(
    admin: ASGIClient, method: str, path: str, body: Any, status: int, param: str | None
) -> None:
    reply = await admin.send(method, "/admin/v1" + path, body)

    assert reply.status == status, reply.body
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert reply.json()["error"]["param"] == param


async def test_a_key_of_the_file_is_changed_in_the_file(admin: ASGIClient) -> None:
    [way] = [one for one in (await admin.get("/admin/v1/keys")).json()["data"] if one["name"] == "way"]

    changed = await admin.send("PATCH", f"/admin/v1/keys/{way['id']}", {"name": "mine"})
    rotated = await admin.send("POST", f"/admin/v1/keys/{way['id']}/rotate", {})

    assert (changed.status, rotated.status) == (409, 400)


async def test_operators_and_readers_see_their_own_tenant_only_and_change_nothing(
    house: House, admin: ASGIClient
) -> None:
    for role in ("operator", "read-only"):
        secret, _ = await made(admin, name=role, role=role, tenant="globex")
        client = house.as_key(secret)
        every = (await admin.get("/admin/v1/keys")).json()["data"]
        foreign = next(key["id"] for key in every if key["tenant"] == "acme")

        shown = (await client.get("/admin/v1/keys?limit=1000")).json()["data"]
        asked = (await client.get("/admin/v1/keys?tenant=acme")).json()["data"]

        assert {key["tenant"] for key in shown} == {"globex"}
        assert asked == []
        assert (await client.get(f"/admin/v1/keys/{foreign}")).status == 404
        assert (await client.send("DELETE", f"/admin/v1/keys/{foreign}")).status == 403
        assert (await client.send("POST", "/admin/v1/keys", {"name": "x"})).status == 403


async def test_users_and_strangers_see_nothing(house: House) -> None:
    assert (await house.as_key(KEY).get("/admin/v1/keys")).status == 403
    assert (await house.as_key(None).get("/admin/v1/keys")).status == 401
    assert (await house.as_key("sk-wrong").send("POST", "/admin/v1/keys", b"{")).status == 401


async def test_the_description_is_for_admins_and_names_every_action(house: House, admin: ASGIClient) -> None:
    document = (await admin.get("/admin/v1/openapi.json")).json()

    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/admin/v1/keys"]["post"]["operationId"] == "keys.create"
    assert {"limit", "after", "status"} <= {
        parameter["name"] for parameter in document["paths"]["/admin/v1/keys"]["get"]["parameters"]
    }
    assert (await house.as_key(KEY).get("/admin/v1/openapi.json")).status == 403
