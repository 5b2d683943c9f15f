"""What a request costs: said in its headers and kept in its row."""

from __future__ import annotations

import asyncio
import json

import pytest

from synthlang_router.interactions import ContentSealer
from synthlang_router.interactions.costs import Tariffs
from tests.doubles.answers import (
    DONE,
    LAST_CHUNK,
    SSE_HEAD,
    STOP,
    chunk,
    completion,
    event,
    frame,
    frame_json,
    http,
)
from tests.doubles.asgi import Reply
from tests.doubles.upstream import STALL, Script, Until
from tests.way.conftest import OpenHouse

PRICED = """\
limits: {requests_per_minute: null}
"""


OWN = 'prices: {"upstream/gpt-4o-mini": {input: 1, output: 1000}}\n'


async def test_a_provider_nobody_knows_the_prices_of_has_no_cost_rather_than_a_wrong_one(
    open_house: OpenHouse,
) -> None:
    house = await open_house([[completion("Because.")]], more=PRICED)

    reply = await house.client.chat("Why?")

    assert reply.status == 200
    assert "x-synthlang-cost" not in reply.headers
    (row,) = await house.rows()
    assert row["cost"] is None


async def test_a_miss_costs_what_the_price_list_says_and_a_hit_nothing(open_house: OpenHouse) -> None:
    house = await open_house([[completion("Because.")]])
    house.gateway.money.costs.use(Tariffs(providers={"upstream": "openai"}))

    miss = await house.client.chat("Why?")
    hit = await house.client.chat("Why?")

    assert miss.headers["x-synthlang-cost"] == "0.00000315"
    assert hit.headers["x-synthlang-cost"] == "0.00000000"


USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
COUNTED = chunk(event(frame_json({}, choices=[], usage=USAGE)))
END = (STOP, COUNTED, chunk(DONE), LAST_CHUNK)
BODY = {"x-synthlang-cost": "body"}


async def test_an_operators_own_price_wins(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more=OWN)

    reply = await house.client.chat("Why?")

    (row,) = await house.rows()
    assert reply.headers["x-synthlang-cost"] == "0.00300900"
    assert row["cost"] == pytest.approx(0.003009)
    assert row["prices"].startswith("genai-prices ")


async def test_usage_is_asked_of_a_stream_hidden_from_who_did_not_and_kept(open_house: OpenHouse) -> None:
    house = await open_house([[SSE_HEAD, frame("Be"), frame("cause"), *END]], more=OWN)

    reply = await house.client.chat("Why?", stream=True)

    (row,) = await house.rows()
    assert house.asked[0].json()["stream_options"] == {"include_usage": True}
    assert b"usage" not in reply.body
    assert (row["usage_source"], row["cost"]) == ("provider", pytest.approx(0.003009))


async def test_where_a_provider_does_not_count_the_tokens_are_counted_exactly(open_house: OpenHouse) -> None:
    house = await open_house(
        [[SSE_HEAD, frame("Be"), frame("cause"), STOP, chunk(DONE), LAST_CHUNK]], more=OWN
    )

    await house.client.chat("Why?", stream=True)

    (row,) = await house.rows()
    assert row["usage_source"] == "counted"
    assert (row["tokens"].prompt, row["tokens"].completion) == (9, 1)
    assert row["attempts"][0].source == "counted"


def usages(reply: Reply) -> list[dict[str, float]]:
    """The usage of every frame that has one."""
    frames = [json.loads(text) for text in reply.events() if text != "[DONE]"]
    return [found["usage"] for found in frames if found.get("usage")]


@pytest.mark.parametrize("end", [END, (STOP, chunk(DONE), LAST_CHUNK)], ids=["counted", "not counted"])
async def test_a_stream_says_its_cost_in_its_last_usage_to_who_asks(
    open_house: OpenHouse, end: Script
) -> None:
    house = await open_house([[SSE_HEAD, frame("Be"), frame("cause"), *end]], more=OWN)

    reply = await house.client.chat("Why?", stream=True, headers=BODY)
    again = await house.client.chat("Why?", stream=True, headers=BODY)

    rows = await house.rows()
    assert reply.text() == again.text() == "Because"
    assert [usage["cost"] for usage in usages(reply)] == [pytest.approx(rows[-1]["cost"])]
    assert again.headers["x-cache"] == "HIT"
    assert [usage["cost"] for usage in usages(again)] == [0.0]


async def test_a_call_that_was_shared_is_paid_once_though_its_leader_left(open_house: OpenHouse) -> None:
    go = asyncio.Event()
    house = await open_house([[SSE_HEAD, frame("Be"), Until(go), frame("cause"), *END]], more=OWN)
    gone, first = asyncio.Event(), Reply()
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}
    leader = asyncio.create_task(house.client.post("/v1/chat/completions", body, reply=first, gone=gone))
    await house.seen(1)
    async with asyncio.timeout(20):
        while not first.parts:
            await asyncio.sleep(0.01)
    followers = [asyncio.create_task(house.client.post("/v1/chat/completions", body)) for _ in range(3)]
    await asyncio.sleep(0.2)

    gone.set()
    await asyncio.wait([leader])
    go.set()
    replies = await asyncio.gather(*followers)

    rows = await house.rows()
    assert {reply.text() for reply in replies} == {"Because"}
    assert len(house.asked) == 1
    assert sum(len(row["attempts"]) for row in rows) == 1
    assert sum(row["cost"] for row in rows) == pytest.approx(0.003009)
    paid, shared = [row for row in rows if row["attempts"]], [row for row in rows if not row["attempts"]]
    assert [row["cache"] for row in paid] == ["MISS"]
    assert {row["cache"] for row in shared} == {"COALESCED"}
    saved = [row["saved"] for row in shared if row["outcome"] == "complete"]
    assert saved == [(("cache", pytest.approx(0.003009)),)] * 2


async def test_an_abandoned_stream_pays_for_what_was_written(open_house: OpenHouse) -> None:
    house = await open_house([[SSE_HEAD, frame("one two three four"), STALL]], more=OWN)
    gone, reply = asyncio.Event(), Reply()
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}
    asking = asyncio.create_task(house.client.post("/v1/chat/completions", body, reply=reply, gone=gone))
    async with asyncio.timeout(20):
        while not reply.parts:
            await asyncio.sleep(0.01)

    gone.set()
    await asyncio.wait([asking])

    (row,) = await house.rows()
    assert (row["outcome"], row["usage_source"]) == ("abandoned", "counted")
    assert row["cost"] == pytest.approx(0.004009)


async def test_what_was_refused_before_any_call_costs_nothing_and_is_not_unpriced(
    open_house: OpenHouse,
) -> None:
    house = await open_house([[completion()]], more="limits: {requests_per_minute: 1}\n" + OWN)
    await house.client.chat("Why?")

    await house.client.chat("And?")

    assert [row["cost"] for row in await house.rows()] == [0.0, pytest.approx(0.003009)]


async def test_an_embedding_that_the_cache_asks_of_a_provider_has_a_row_and_no_text(
    open_house: OpenHouse,
) -> None:
    vector = {"data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}], "model": "e"}
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    embedded = http(json.dumps({"object": "list", **vector, "usage": usage}).encode())
    house = await open_house(
        [[embedded], [completion()]],
        more='prices: {"upstream/gpt-4o-mini": {input: 1, output: 1000}, "upstream/e": {input: 2}}\n'
        "cache: {semantic: {embedder: provider, embedding_model: upstream/e}}\n",
    )

    await house.client.chat("Why is the sky blue?")

    rows = {row["kind"]: row for row in await house.rows()}
    asked = rows["embeddings"]
    assert [request.target for request in house.asked] == ["/v1/embeddings", "/v1/chat/completions"]
    assert (asked["tenant"], asked["model"], asked["cost"]) == ("-gateway", "e", pytest.approx(10e-6))
    assert rows["chat"]["cost"] == pytest.approx(0.003009)
    kept = house.gateway.log.content(asked["id"])
    assert kept is not None
    opened = ContentSealer(house.gateway.record.vault).open(kept, tenant="-gateway")
    assert opened.prompt is not None
    assert opened.prompt.head == b'{"model":"e"}'
