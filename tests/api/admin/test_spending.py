"""Budgets and limits over HTTP: where everybody stands, and what a key is given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.answers import completion
from tests.doubles.asgi import ASGIClient
from tests.way.conftest import ADMIN, House, OpenHouse

MORE = """\
prices: {"upstream/gpt-4o-mini": {input: 1, output: 1000}}
budgets:
  tenants: {acme: {usd: 5, per: day}, globex: {usd: 7}}
  projects: {acme/web: {usd: 2, per: total}}
  tags: {team=a: {usd: 1, on_spent: warn}}
limits:
  tokens_per_minute: 3000
  tenants: {acme: {requests_per_minute: 60}}
  models: {gpt-4o-mini: {tokens_per_minute: 9000, concurrency: 5}}
"""


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    opened: House = await open_house([[completion("hello")]], more=MORE)
    return opened


@pytest.fixture
def admin(house: House) -> ASGIClient:
    return house.as_key(ADMIN)


async def listed(client: ASGIClient, path: str) -> dict[str, dict[str, Any]]:
    reply = await client.get(f"/admin/v1{path}")
    assert reply.status == 200, reply.body
    return {one["holder"]: one for one in reply.json()["data"]}


async def made(admin: ASGIClient, **fields: Any) -> tuple[str, str]:
    reply = await admin.send("POST", "/admin/v1/keys", {"name": "app", **fields})
    assert reply.status == 201, reply.body
    return reply.json()["secret"], reply.json()["key"]["id"]


async def test_budgets_say_what_is_spent_and_what_is_left(house: House, admin: ASGIClient) -> None:
    await house.client.chat("Why?", max_tokens=3)

    budgets = await listed(admin, "/budgets")

    assert list(budgets) == ["tenant:acme", "tenant:globex", "project:acme/web", "tag:team=a"]
    acme = budgets["tenant:acme"]
    assert acme["spent_usd"] == pytest.approx(0.003009)
    assert acme["reserved_usd"] == 0
    assert acme["remaining_usd"] == pytest.approx(5 - 0.003009)
    assert acme["budget"]["per"] == "day"
    assert acme["window_start"] < acme["window_moves"]
    assert budgets["project:acme/web"]["window_moves"] is None
    assert budgets["tag:team=a"]["budget"]["on_spent"] == "warn"


async def test_limits_say_what_is_left_of_every_bucket_and_looking_takes_nothing(
    house: House, admin: ASGIClient
) -> None:
    await house.client.chat("Why?", max_tokens=3)

    first = await listed(admin, "/limits")
    second = await listed(admin, "/limits")

    acme, model = first["tenant:acme"], first["model:gpt-4o-mini"]
    assert (acme["requests"]["burst"], acme["requests"]["per_minute"]) == (60, 60)
    assert acme["requests"]["remaining"] in (59, 60)
    assert (model["tokens"]["burst"], model["concurrency"], model["requests"]) == (9000, 5, None)
    assert len([holder for holder in first if holder.startswith("key:")]) == 3
    assert second["tenant:acme"]["requests"]["remaining"] >= acme["requests"]["remaining"]


async def test_a_key_is_given_a_budget_and_limits_which_hold_at_once(house: House, admin: ASGIClient) -> None:
    secret, key_id = await made(admin, tenant="initech", budget={"usd": 0.0031, "per": "total"})
    client = house.as_key(secret)

    first = await client.chat("Why?", max_tokens=3)
    refused = await client.chat("And then?", max_tokens=3)
    raised = await admin.send("PATCH", f"/admin/v1/keys/{key_id}", {"budget": {"usd": 1}})
    again = await client.chat("And then?", max_tokens=3)
    gone = await admin.send(
        "PATCH", f"/admin/v1/keys/{key_id}", {"budget": None, "limits": {"tokens_per_minute": 5}}
    )
    without = await listed(admin, f"/budgets?holder=key:{key_id}")

    assert [reply.status for reply in (first, refused, raised, again, gone)] == [200, 429, 200, 200, 200]
    assert refused.json()["error"]["code"] == "insufficient_quota"
    assert raised.json()["budget"]["usd"] == 1
    assert gone.json()["budget"] is None
    assert without == {}
    assert (await listed(admin, f"/limits?holder=key:{key_id}"))[f"key:{key_id}"]["tokens"]["burst"] == 5


async def test_a_new_secret_is_no_new_budget_and_no_second_limit(house: House, admin: ASGIClient) -> None:
    secret, key_id = await made(
        admin, tenant="initech", budget={"usd": 0.0062, "per": "total"}, limits={"requests_per_minute": 3}
    )
    await house.as_key(secret).chat("Why?", max_tokens=3)
    rotated = (await admin.send("POST", f"/admin/v1/keys/{key_id}/rotate", {})).json()
    client = house.as_key(rotated["secret"])

    statuses = [(await client.chat(f"And {number}?", max_tokens=3)).status for number in range(2)]
    (budget,) = (await listed(admin, f"/budgets?holder=key:{key_id}")).values()
    (limits,) = (await listed(admin, f"/limits?holder=key:{key_id}")).values()

    assert statuses == [200, 429]
    assert budget["spent_usd"] == pytest.approx(2 * 0.003009)
    assert limits["requests"]["remaining"] < 3


async def test_a_key_with_a_budget_is_among_the_budgets(admin: ASGIClient) -> None:
    _, key_id = await made(admin, budget={"usd": 3, "alerts": [1, 0.5, 0.5]})

    (shown,) = (await listed(admin, f"/budgets?holder=key:{key_id}")).values()

    assert (shown["budget"]["usd"], shown["budget"]["alerts"]) == (3, [0.5, 1])


async def test_others_than_admins_see_their_own_tenants_and_no_shared_ones(
    house: House, admin: ASGIClient
) -> None:
    secret, _ = await made(admin, tenant="globex", role="read-only")
    reader = house.as_key(secret)

    budgets, limits = await listed(reader, "/budgets"), await listed(reader, "/limits")

    assert list(budgets) == ["tenant:globex"]
    assert [holder for holder in limits if not holder.startswith("key:")] == []
    assert await listed(reader, "/budgets?holder=tenant:acme") == {}
    assert (await house.client.get("/admin/v1/budgets")).status == 403


@pytest.mark.parametrize(
    "budget",
    [
        {"usd": 0},
        {"usd": -1},
        {"usd": "5"},
        {"usd": 5, "per": "year"},
        {"usd": 5, "per": "total", "rolling": True},
        {"usd": 5, "alerts": [0]},
        {"usd": 5, "cap": 1},
        {},
    ],
)
async def test_a_budget_that_is_none_is_refused(admin: ASGIClient, budget: dict[str, Any]) -> None:
    reply = await admin.send("POST", "/admin/v1/keys", {"name": "app", "budget": budget})

    assert reply.status == 400


async def test_pages_are_as_long_as_asked(admin: ASGIClient) -> None:
    first = (await admin.get("/admin/v1/budgets?limit=3")).json()
    rest = (await admin.get(f"/admin/v1/budgets?limit=3&after={first['next']}")).json()

    assert [len(page["data"]) for page in (first, rest)] == [3, 1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
