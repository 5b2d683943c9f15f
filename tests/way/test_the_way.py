"""The way of one request, one sentence a test."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.doubles.answers import ROLE, SSE_HEAD, completion, error, frame, http, stream
from tests.doubles.asgi import Reply
from tests.doubles.upstream import CLOSE, RESET, STALL, Sleep
from tests.way.conftest import ADMIN, LIMITED, OTHER_TENANT, OpenHouse

QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


async def test_on_a_miss_the_llm_is_called_and_its_content_returned(open_house: OpenHouse) -> None:
    house = await open_house([[completion("Because of scattering.")]])

    reply = await house.client.chat("Why is the sky blue?")

    assert reply.status == 200
    assert reply.json()["choices"][0]["message"]["content"] == "Because of scattering."
    assert reply.headers["x-cache"] == "MISS"
    assert len(house.asked) == 1


async def test_on_a_hit_the_llm_is_not_called(open_house: OpenHouse) -> None:
    house = await open_house([[completion("Because.")]])
    await house.client.chat("Why is the sky blue?")

    reply = await house.client.chat("Why is the sky blue?")

    assert reply.headers["x-cache"] == "HIT"
    assert int(reply.headers["age"]) >= 0
    assert reply.json()["choices"][0]["message"]["content"] == "Because."
    assert len(house.asked) == 1


async def test_a_miss_is_streamed_as_it_comes_and_a_hit_replayed_as_a_stream(open_house: OpenHouse) -> None:
    house = await open_house([[stream("Be", "cause.")]])

    live = await house.client.chat("Why?", stream=True)
    replayed = await house.client.chat("Why?", stream=True)
    whole = await house.client.chat("Why?")

    assert live.headers["content-type"].startswith("text/event-stream")
    assert (live.text(), replayed.text()) == ("Because.", "Because.")
    assert live.events()[-1] == replayed.events()[-1] == "[DONE]"
    assert json.loads(replayed.events()[0])["id"] != json.loads(live.events()[0])["id"]
    assert whole.json()["choices"][0]["message"]["content"] == "Because."
    assert (live.headers["x-cache"], replayed.headers["x-cache"], whole.headers["x-cache"]) == (
        "MISS",
        "HIT",
        "HIT",
    )
    assert len(house.asked) == 1


@pytest.mark.parametrize("key", [None, "sk-nobody", "", "' OR 1=1 --"])
async def test_without_a_good_key_it_is_401_whatever_the_body(open_house: OpenHouse, key: str | None) -> None:
    house = await open_house([[completion()]])

    reply = await house.as_key(key).post("/v1/chat/completions", b"{not json")

    assert reply.status == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"
    assert house.asked == []


async def test_over_the_rate_it_is_429_with_the_wait_and_nothing_goes_upstream(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])
    limited = house.as_key(LIMITED)

    replies = [await limited.chat(f"Question {number}") for number in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 429]
    refused = replies[-1]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(refused.headers["retry-after-ms"]) <= 30_000
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert len(house.asked) == 2


async def test_a_concurrency_slot_is_free_again_after_every_kind_of_end(open_house: OpenHouse) -> None:
    house = await open_house(
        [[error("400 Bad Request")], [completion()]], more="limits: {requests_per_minute: null}"
    )
    limited = house.as_key(LIMITED)

    first = await limited.chat("One")
    second = await limited.chat("Two")

    assert (first.status, second.status) == (400, 200)


async def test_an_admin_key_cannot_call_models(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    reply = await house.as_key(ADMIN).chat("Hello")

    assert reply.status == 403
    assert house.asked == []


async def test_an_alias_is_sent_under_its_targets_name_and_told_in_the_headers(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    reply = await house.client.chat("Hello", model="alias", seed=7)

    sent = house.asked[0].json()
    assert (sent["model"], sent["seed"]) == ("real-name", 7)
    assert reply.headers["x-synthlang-provider"] == "upstream"
    assert reply.headers["x-synthlang-route"]


async def test_an_unchanged_request_reaches_the_provider_byte_for_byte(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])
    body = b'{ "model" : "gpt-4o-mini", "x_unknown":[1.50, 1e2], "messages": [ {"role":"user","content":"\\u00e9"} ] }'

    reply = await house.client.post("/v1/chat/completions", body)

    assert reply.status == 200
    assert house.asked[0].body == body


async def test_in_transparent_mode_the_model_sees_the_original_and_the_header_the_saving(
    open_house: OpenHouse,
) -> None:
    house = await open_house([[completion()]])
    text = (
        "Summarise:\n```json\n"
        + json.dumps({"rows": [{"name": "a", "value": n} for n in range(20)]}, indent=4)
        + "\n```"
    )

    reply = await house.client.chat(text)

    assert house.asked[0].json()["messages"][0]["content"] == text
    assert int(reply.headers["x-synthlang-tokens-would-save"]) > 0


async def test_in_native_mode_the_model_sees_fewer_tokens_with_the_same_values(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more="synthlang: {mode: native}")
    data = {"rows": [{"name": "a", "value": n} for n in range(20)]}

    reply = await house.client.chat(json.dumps(data, indent=4))

    seen = house.asked[0].json()["messages"][0]["content"]
    assert json.loads(seen) == data
    assert len(seen) < len(json.dumps(data, indent=4))
    assert int(reply.headers["x-synthlang-tokens-saved"]) > 0


async def test_a_surface_variant_is_served_and_a_near_miss_is_asked(open_house: OpenHouse) -> None:
    house = await open_house([[completion("Paris.")], [completion("Rome.")]])
    await house.client.chat("What is the capital of France?")

    variant = await house.client.chat("what's the capital of france, please?")
    near = await house.client.chat("What is the capital of Italy?")

    assert variant.headers["x-cache"] == "SEMANTIC-HIT"
    assert variant.json()["choices"][0]["message"]["content"] == "Paris."
    assert near.headers["x-cache"] == "MISS"
    assert near.json()["choices"][0]["message"]["content"] == "Rome."


async def test_no_answer_crosses_tenants_system_prompts_or_earlier_turns(open_house: OpenHouse) -> None:
    house = await open_house([[completion(f"Answer {n}")] for n in range(5)])
    user = {"role": "user", "content": "And now?"}
    requests = [
        (house.client, [user]),
        (house.as_key(OTHER_TENANT), [user]),
        (house.client, [{"role": "system", "content": "Be brief."}, user]),
        (house.client, [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, user]),
        (house.client, [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No?"}, user]),
    ]

    replies = [
        await client.post("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": messages})
        for client, messages in requests
    ]

    assert [reply.headers["x-cache"] for reply in replies] == ["MISS"] * 5
    assert len({reply.json()["choices"][0]["message"]["content"] for reply in replies}) == 5


async def test_only_if_cached_asks_nobody(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    reply = await house.client.chat("Hello", headers={"cache-control": "only-if-cached"})

    assert reply.status == 504
    assert house.asked == []


async def test_a_sampled_request_and_no_store_leave_nothing_behind(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    for _ in range(2):
        await house.client.chat("Tell me a joke", temperature=0.9)
        await house.client.chat("Hello", headers={"cache-control": "no-store"})

    assert len(house.asked) == 4


async def test_a_providers_refusal_keeps_status_code_and_message(open_house: OpenHouse) -> None:
    house = await open_house(
        [[error("400 Bad Request", message="Too long: 9 tokens", code="context_length_exceeded")]]
    )

    reply = await house.client.chat("Hello")

    assert reply.status == 400
    assert reply.json()["error"]["code"] == "context_length_exceeded"
    assert reply.json()["error"]["message"] == "Too long: 9 tokens"


async def test_a_failure_before_the_first_data_of_a_stream_is_an_http_status(open_house: OpenHouse) -> None:
    house = await open_house([[SSE_HEAD, ROLE, CLOSE]])

    reply = await house.client.chat("Hello", stream=True)

    assert reply.status == 502
    assert reply.json()["error"]["type"]


@pytest.mark.parametrize("end", [CLOSE, RESET])
async def test_a_stream_that_breaks_ends_in_an_error_event_and_is_not_cached(
    open_house: OpenHouse, end: object
) -> None:
    house = await open_house([[SSE_HEAD, ROLE, frame("Half"), Sleep(0.05), end], [completion("Whole")]])

    broken = await house.client.chat("Hello", stream=True)
    again = await house.client.chat("Hello")

    assert broken.status == 200
    assert "[DONE]" not in broken.events()
    assert json.loads(broken.events()[-1])["error"]["type"] == "server_error"
    assert again.headers["x-cache"] == "MISS"
    kinds = [row["outcome"] for row in await house.rows()]
    assert sorted(kinds) == ["complete", "failed"]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_hang_up_before_any_data_closes_the_upstream_and_is_recorded(
    open_house: OpenHouse, streamed: bool
) -> None:
    house = await open_house([[STALL]])
    gone = asyncio.Event()
    asking = asyncio.create_task(
        house.client.post("/v1/chat/completions", {**QUESTION, "stream": streamed}, gone=gone)
    )
    await house.seen(1)

    gone.set()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await house.upstream.connections[house.asked[0].connection].left()
    assert [row["outcome"] for row in await house.rows()] == ["abandoned"]


async def test_an_abandoned_stream_closes_the_upstream_and_is_not_cached(open_house: OpenHouse) -> None:
    house = await open_house([[SSE_HEAD, ROLE, frame("Half"), STALL], [completion("Whole")]])
    gone, reply = asyncio.Event(), Reply()
    asking = asyncio.create_task(
        house.client.post("/v1/chat/completions", {**QUESTION, "stream": True}, reply=reply, gone=gone)
    )
    while not reply.parts:
        await asyncio.sleep(0.01)

    gone.set()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await house.upstream.connections[house.asked[0].connection].left()
    again = await house.client.post("/v1/chat/completions", QUESTION)
    assert again.headers["x-cache"] == "MISS"
    assert sorted(row["outcome"] for row in await house.rows()) == ["abandoned", "complete"]


async def test_a_silent_stream_is_kept_alive_and_a_later_failure_is_an_event(open_house: OpenHouse) -> None:
    house = await open_house([[SSE_HEAD, Sleep(0.4), CLOSE]], more="server: {commit_after: 0.1}")

    reply = await house.client.chat("Hello", stream=True)

    assert reply.status == 200
    assert reply.body.startswith(b": keep-alive\n\n")
    assert "error" in json.loads(reply.events()[-1])
    assert "[DONE]" not in reply.events()


async def test_a_row_tells_who_asked_what_and_what_became_of_it(open_house: OpenHouse) -> None:
    house = await open_house([[completion("Paris.")]])

    reply = await house.client.chat("Capital of France?", headers={"x-request-id": "mine-1"})

    (row,) = await house.rows()
    assert reply.headers["x-request-id"] == row["request_id"] == "mine-1"
    assert (row["tenant"], row["user"], row["asked_model"]) == ("acme", "alice", "gpt-4o-mini")
    assert (row["status"], row["outcome"], row["cache"]) == (200, "complete", "MISS")
    assert (row["tokens"].prompt, row["tokens"].completion) == (9, 3)


async def test_embeddings_go_the_same_way(open_house: OpenHouse) -> None:
    body = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}], "model": "m"}
    house = await open_house(
        [[http(json.dumps({**body, "usage": {"prompt_tokens": 2, "total_tokens": 2}}).encode())]]
    )

    reply = await house.client.post("/v1/embeddings", {"model": "gpt-4o-mini", "input": "Hello"})

    assert reply.status == 200
    assert reply.json()["data"][0]["embedding"] == [1.0]
    (row,) = await house.rows()
    assert row["tokens"].prompt == 2


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("GET", "/v1/chat/completions", 405)]
)
async def test_every_error_has_openais_shape(
    open_house: OpenHouse, method: str, path: str, status: int
) -> None:
    house = await open_house([[completion()]])

    reply = await house.client.get(path)

    assert reply.status == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert reply.headers["x-request-id"]


async def test_where_the_pair_model_decides_a_paraphrase_is_served_and_a_near_miss_is_not(
    open_house: OpenHouse,
) -> None:
    house = await open_house([[completion("Go to bed early.")]], more="cache: {semantic: {verify: pair}}")
    await house.client.chat("How can I improve my sleep?")

    paraphrase = await house.client.chat("What can I do to improve my sleep?")
    near = await house.client.chat("How can I improve my diet?")

    assert (paraphrase.headers["x-cache"], near.headers["x-cache"]) == ("SEMANTIC-HIT", "MISS")
