"""The cache as operators and clients see it: figures, explanations, purges, feedback; nobody's answers but one's own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.answers import completion
from tests.way.conftest import ADMIN, House, OpenHouse

MORE = "cache: {semantic: {enabled: false}}\n"


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    opened: House = await open_house([[completion("hello")]], more=MORE)
    return opened


def body(text: str) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}


async def stats(house: House) -> dict[str, Any]:
    reply = await house.as_key(ADMIN).get("/admin/v1/cache")
    assert reply.status == 200, reply.body
    shown: dict[str, Any] = reply.json()
    return shown


async def explained(house: House, **asked: Any) -> dict[str, Any]:
    reply = await house.as_key(ADMIN).send("POST", "/admin/v1/cache/explain", asked)
    assert reply.status == 200, reply.body
    shown: dict[str, Any] = reply.json()
    return shown


async def test_figures_tell_hits_and_what_they_saved(house: House) -> None:
    await house.client.chat("Why?")
    await house.client.chat("Why?")

    shown = await stats(house)

    assert (shown["entries"], shown["hits"]) == (1, {"HIT": 1})
    assert shown["saved_tokens"] > 0
    assert shown["promise"] is None


async def test_an_explanation_names_the_scope_and_serves_nobody(house: House) -> None:
    await house.client.chat("Why?")
    asked = len(house.asked)

    missed = await explained(house, request=body("Whatever?"), tenant="acme", user="ann")

    parts = {part["name"]: part["value"] for part in missed["scope"]}
    assert missed["outcome"] == "MISS"
    assert parts["tenant"] == '"acme"'
    assert "messages" in parts
    assert len(house.asked) == asked


async def test_an_explanation_says_why_a_request_is_not_cached(house: House) -> None:
    shown = await explained(house, request=body("Why?") | {"temperature": 1}, tenant="acme")

    assert (shown["outcome"], shown["why"]) == ("BYPASS", "sampled")


async def test_what_is_purged_is_asked_again(house: House) -> None:
    await house.client.chat("Why?")
    asked = len(house.asked)

    reply = await house.as_key(ADMIN).send("POST", "/admin/v1/cache/purge", {"all": True})
    await house.client.chat("Why?")

    assert reply.json() == {"purged": 1}
    assert len(house.asked) == asked + 1
    assert (await stats(house))["entries"] == 1


async def test_a_purge_of_another_tenant_leaves_this_ones(house: House) -> None:
    await house.client.chat("Why?")

    reply = await house.as_key(ADMIN).send("POST", "/admin/v1/cache/purge", {"tenant": "nobody"})

    assert reply.json() == {"purged": 0}


async def test_a_purge_that_says_nothing_is_refused(house: House) -> None:
    reply = await house.as_key(ADMIN).send("POST", "/admin/v1/cache/purge", {})

    assert reply.status == 400


async def test_clients_may_not_look_into_the_cache(house: House) -> None:
    for method, path, asked in (
        ("GET", "/admin/v1/cache", None),
        ("POST", "/admin/v1/cache/purge", {"all": True}),
        ("POST", "/admin/v1/cache/explain", {"request": body("Why?"), "tenant": "acme"}),
    ):
        reply = await house.client.send(method, path, asked)
        assert reply.status == 403, path


async def test_feedback_on_what_the_cache_did_not_answer_is_404(house: House) -> None:
    reply = await house.client.post("/v1/feedback", {"id": "chatcmpl-" + "0" * 32, "right": False})

    assert reply.status == 404
    assert reply.json()["error"]["param"] == "id"
