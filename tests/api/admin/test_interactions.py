"""The record over HTTP: found by what it says, opened for those who may, exported, and erased for good."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.doubles.answers import completion
from tests.doubles.asgi import ASGIClient
from tests.way.conftest import ADMIN, KEY, OTHER_TENANT, House, OpenHouse

Rows = list[dict[str, Any]]


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """Three questions of alice at acme, one of globex."""
    house: House = await open_house(
        [[completion("The älpha answer")], [completion('say "beta"')], [completion("x")]]
    )
    await house.client.chat("first question", headers={"x-synthlang-tags": "team=a"})
    await house.client.chat("second question")
    await house.client.chat("third question", model="alias")
    await house.as_key(OTHER_TENANT).chat("a foreign question")
    await house.rows()
    return house


@pytest.fixture
def admin(house: House) -> ASGIClient:
    return house.as_key(ADMIN)


async def key_of(admin: ASGIClient, role: str, tenant: str) -> str:
    reply = await admin.send("POST", "/admin/v1/keys", {"name": role, "role": role, "tenant": tenant})
    secret: str = reply.json()["secret"]
    return secret


async def found(client: ASGIClient, query: str = "") -> Rows:
    reply = await client.get("/admin/v1/interactions" + query)
    assert reply.status == 200, reply.body
    rows: Rows = reply.json()["data"]
    return rows


async def test_rows_are_found_by_what_they_say(admin: ASGIClient) -> None:
    assert [row["tenant"] for row in await found(admin)] == ["globex", "acme", "acme", "acme"]
    assert len(await found(admin, "?tenant=acme&user=alice&status=200&since=1h&outcome=complete")) == 3
    assert [row["asked_model"] for row in await found(admin, "?model=real-name")] == ["alias"]
    assert [row["tags"] for row in await found(admin, "?tag=team=a")] == [{"team": "a"}]
    assert await found(admin, "?until=1h") == []
    assert await found(admin, "?min_cost=5") == []
    assert await found(admin, "?tenant=nobody") == []


async def test_pages_go_through_all_rows_once(admin: ASGIClient) -> None:
    first = (await admin.get("/admin/v1/interactions?limit=3")).json()
    second = (await admin.get(f"/admin/v1/interactions?limit=3&after={first['next']}")).json()

    ids = [row["id"] for row in first["data"] + second["data"]]
    assert len(ids) == len(set(ids)) == 4
    assert (first["has_more"], second["has_more"]) == (True, False)


async def test_a_row_is_shown_by_both_its_ids_and_opened_where_that_is_asked(admin: ASGIClient) -> None:
    row = (await found(admin, "?tag=team=a"))[0]

    for name in (row["id"], row["request_id"]):
        shown = (await admin.get(f"/admin/v1/interactions/{name}")).json()["data"]
        opened = (await admin.get(f"/admin/v1/interactions/{name}/content")).json()["data"]
        assert shown == [row]
        assert "first question" in opened[0]["prompt"]
        assert "lpha answer" in opened[0]["answer"]
    assert row["attempts"][0]["status"] == 200
    assert row["timings"]["total"] > 0


@pytest.mark.parametrize("text", ["First Question", "ÄLPHA", 'say "beta"', "question"])
async def test_texts_are_found_in_prompts_and_answers_of_one_tenant(admin: ASGIClient, text: str) -> None:
    reply = await admin.send("GET", f"/admin/v1/interactions/search?tenant=acme&text={quote(text)}")

    assert len(reply.json()["data"]) == (3 if text == "question" else 1)
    assert {row["tenant"] for row in reply.json()["data"]} == {"acme"}


async def test_a_search_without_a_tenant_is_refused(admin: ASGIClient) -> None:
    assert (await admin.get("/admin/v1/interactions/search?text=question")).status == 400


async def test_readers_see_rows_and_no_content(house: House, admin: ASGIClient) -> None:
    reader = house.as_key(await key_of(admin, "read-only", "acme"))
    row = (await found(reader))[0]

    assert (await reader.get(f"/admin/v1/interactions/{row['id']}")).status == 200
    for path in (f"/{row['id']}/content", "/search?text=question", "/export?content=true"):
        assert (await reader.get("/admin/v1/interactions" + path)).status == 403


async def test_an_export_holds_every_row_of_the_query_a_line_each(admin: ASGIClient) -> None:
    reply = await admin.get("/admin/v1/interactions/export?tenant=acme&content=true")

    rows = [json.loads(line) for line in reply.body.splitlines()]
    assert [row["tenant"] for row in rows] == ["acme"] * 3
    assert all("question" in row["prompt"] for row in rows)
    assert reply.headers["content-type"] == "application/x-ndjson"


async def test_an_erased_row_is_gone_with_its_content(house: House, admin: ASGIClient) -> None:
    row = (await found(admin, "?tag=team=a"))[0]

    erased = await admin.send("DELETE", f"/admin/v1/interactions/{row['id']}")
    again = await admin.send("DELETE", f"/admin/v1/interactions/{row['id']}")

    assert (erased.json(), again.status) == ({"rows": 1, "keys": 0}, 404)
    assert (await admin.get(f"/admin/v1/interactions/{row['id']}/content")).status == 404
    assert len(await found(admin, "?tenant=acme")) == 2


async def test_an_erased_user_is_gone_and_the_sums_stay(house: House, admin: ASGIClient) -> None:
    erased = await admin.send("POST", "/admin/v1/erase", {"tenant": "acme", "user": "alice"})

    usage = (await admin.get("/admin/v1/usage?every=all&tenant=acme")).json()["data"]
    assert erased.json() == {"rows": 3, "keys": 0}
    assert await found(admin, "?tenant=acme") == []
    assert usage[0]["requests"] == 3


async def test_an_erased_tenant_has_no_row_no_key_no_sum_and_no_cached_answer(
    house: House, admin: ASGIClient
) -> None:
    before = len(house.asked)

    erased = await admin.send("POST", "/admin/v1/erase", {"tenant": "acme"})

    assert erased.json() == {"rows": 3, "keys": 1}
    assert [row["tenant"] for row in await found(admin)] == ["globex"]
    assert (await admin.get("/admin/v1/usage?every=all&tenant=acme")).json()["data"] == []
    assert (await house.client.chat("first question")).headers["x-cache"] == "MISS"
    assert len(house.asked) == before + 1
    deeds = (await admin.get("/admin/v1/audit?limit=2")).json()["data"]
    assert {(deed["action"], deed["about"]) for deed in deeds} == {("erase", "acme"), ("erase", "")}


async def test_usage_adds_up_and_is_for_ones_own_tenant(house: House, admin: ASGIClient) -> None:
    operator = house.as_key(await key_of(admin, "operator", "globex"))

    every = (await admin.get("/admin/v1/usage?every=all&by=tenant&latencies=true")).json()["data"]
    own = (await operator.get("/admin/v1/usage?every=hour&by=tenant,model")).json()["data"]

    assert {row["tenant"]: row["requests"] for row in every} == {"acme": 3, "globex": 1}
    assert every[0]["latency_ms"]["p50"] > 0
    assert [(row["tenant"], row["requests"]) for row in own] == [("globex", 1)]
    assert (await operator.get("/admin/v1/usage?tenant=acme")).status == 404
    assert (await house.as_key(KEY).get("/admin/v1/usage")).status == 403
    assert (await admin.get("/admin/v1/usage?by=colour")).status == 400
    assert (await admin.get("/admin/v1/usage?since=yesterday")).status == 400
