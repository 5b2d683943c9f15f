"""Where a request would go, and how targets are: told without a call to any provider."""

from __future__ import annotations

import json
from typing import Any

from tests.doubles.answers import completion, error
from tests.way.conftest import ADMIN, LIMITED, House, OpenHouse

MORE = """\
routing: {apply_to: all, rules: [{when: {model: "think*"}, use: backed}]}
"""
BACKED = """\
  - name: backed
    hedge: true
    timeouts: {idle: 7}
    targets: [{provider: upstream, model: gpt-4o-mini, lacks: [tools]}, {provider: upstream, model: second, weight: 0}]
    fallbacks: [upstream/o3-mini]
"""
TOOL = {"type": "function", "function": {"name": "f"}}


async def opened(open_house: OpenHouse, *scripts: Any) -> House:
    house: House = await open_house(list(scripts) or [[completion("hello")]], more=MORE, models=BACKED)
    return house


async def explained(house: House, model: str, *, query: str = "", status: int = 200, **fields: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
    reply = await house.client.post("/v1/route/explain" + query, body)
    assert reply.status == status, reply.body
    return reply.json()


async def test_a_route_is_explained_and_nobody_is_asked(open_house: OpenHouse) -> None:
    house = await opened(open_house)

    found = await explained(house, "thinker", temperature=0.5)

    assert found["reason"] == "rule 1: think* -> backed"
    assert [(way["model"], way["state"]) for way in found["targets"]] == [
        ("gpt-4o-mini", "good"),
        ("second", "good"),
        ("o3-mini", "good"),
    ]
    assert found["targets"][2]["dropped"] == ["temperature"]
    assert (found["hedge"], found["timeouts"]) == (True, {"idle": 7.0})
    assert house.asked == []
    assert await house.rows() == []


async def test_what_a_target_cannot_do_is_seen_in_its_explanation(open_house: OpenHouse) -> None:
    house = await opened(open_house)

    found = await explained(house, "backed", tools=[TOOL])

    assert [way["model"] for way in found["targets"]] == ["second", "o3-mini"]


async def test_a_target_that_would_lose_a_parameter_is_refused_to_whoever_is_strict(
    open_house: OpenHouse,
) -> None:
    house = await opened(open_house)
    body = {"model": "backed", "temperature": 1, "messages": [{"role": "user", "content": "Hi"}]}

    reply = await house.client.post("/v1/route/explain", body, headers={"x-synthlang-strict": "true"})

    assert [way["refused"] is not None for way in reply.json()["targets"]] == [False, False, True]


async def test_other_kinds_are_explained_too(open_house: OpenHouse) -> None:
    house = await opened(open_house)

    messages = await explained(house, "backed", query="?kind=messages", max_tokens=5, top_k=3)
    speech = await explained(house, "upstream/tts-1", query="?kind=speech", input="x")
    wrong = await explained(house, "backed", query="?kind=song", status=400)

    assert messages["targets"][0]["dropped"] == ["top_k"]
    assert speech["reason"] == "pinned"
    assert wrong["error"]["param"] == "kind"


async def test_an_explanation_fails_as_the_request_itself_would(open_house: OpenHouse) -> None:
    house = await opened(open_house)

    assert (await explained(house, "backed", status=400, messages=[]))["error"]["param"] == "messages"
    reply = await house.as_key(None).post("/v1/route/explain", {"model": "backed"})
    assert reply.status == 401


async def test_an_explanation_counts_against_no_limit(open_house: OpenHouse) -> None:
    house = await opened(open_house)
    body = {"model": "backed", "messages": [{"role": "user", "content": "Hi"}]}

    statuses = [(await house.as_key(LIMITED).post("/v1/route/explain", body)).status for _ in range(5)]

    assert statuses == [200] * 5


async def test_health_shows_targets_in_trouble_and_keys_that_are_refused(open_house: OpenHouse) -> None:
    house = await opened(open_house, [error("500 Oops")])
    admin = house.as_key(ADMIN)
    before = (await admin.get("/admin/v1/health")).json()
    for _ in range(3):
        await house.client.chat("Hi", model="alias", stream=False)

    after = (await admin.get("/admin/v1/health")).json()

    assert (before["status"], before["targets"]) == ("good", [])
    assert before["keys"] == [{"provider": "upstream", "state": "good", "retry_in": None}]
    assert after["status"] == "degraded"
    (target,) = after["targets"]
    assert (target["model"], target["state"], target["in_flight"]) == ("real-name", "open", 0)
    assert target["retry_tokens"] < 3


async def test_a_refused_key_is_seen(open_house: OpenHouse) -> None:
    quota = error("429 Too Many Requests", code="insufficient_quota")
    house = await opened(open_house, [quota])
    for _ in range(2):
        await house.client.chat("Hi", model="alias")

    health = (await house.as_key(ADMIN).get("/admin/v1/health")).json()
    metrics = (await house.as_key(ADMIN).get("/metrics")).body.decode()

    assert (health["status"], health["keys"][0]["state"]) == ("degraded", "refused")
    assert 0 < health["keys"][0]["retry_in"] <= 30
    assert 'synthlang_provider_key_refused{provider="upstream"} 1.0' in metrics


async def test_metrics_name_configured_targets_and_call_every_other_one_other(open_house: OpenHouse) -> None:
    house = await opened(open_house)
    for model in ("alias", "upstream/thought-up-1", "upstream/thought-up-2"):
        await house.client.chat("Hi", model=model)

    lines = (await house.as_key(ADMIN).get("/metrics")).body.decode().splitlines()
    labels = {line.partition(" ")[0] for line in lines if line.startswith("synthlang_target_in_flight{")}

    assert labels == {
        'synthlang_target_in_flight{model="real-name",provider="upstream"}',
        'synthlang_target_in_flight{model="other",provider="upstream"}',
    }
    assert 'synthlang_target_state{model="other",provider="upstream",state="good"} 2.0' in lines
    assert "thought-up" not in json.dumps(lines)
