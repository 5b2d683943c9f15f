"""The specification's verbs over a scripted provider."""

from __future__ import annotations

import asyncio
import json

import pytest

from synthlang_router.errors import (
    ModelNotFound,
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamAuth,
)
from synthlang_router.llm_provider import LLMProvider, Timeouts
from synthlang_router.models import Route, Target, Usage, Wishes
from tests.doubles.answers import (
    DONE,
    LAST_CHUNK,
    ROLE,
    SSE_HEAD,
    STOP,
    chunk,
    completion,
    completion_body,
    error,
    event,
    frame,
    frame_json,
    head,
    http,
    stream,
)
from tests.doubles.upstream import CLOSE, RESET, STALL, ScriptedUpstream, Sleep, Step, Until
from tests.llm_provider.conftest import KEY, ROUTE, House, chat_request, new_facts, told

VECTORS = {"object": "list", "data": [{"index": 0, "embedding": [0.5, -1.0]}], "model": "ada", "usage": {}}


# The verbs


async def test_complete_chat_returns_what_the_model_said(house: House) -> None:
    async with ScriptedUpstream([[completion("Hello!")]]) as upstream:
        answer = await house.llm(upstream).complete_chat(ROUTE, chat_request(), Wishes(), new_facts())

    assert answer.content == "Hello!"
    assert answer.usage == Usage(prompt_tokens=9, completion_tokens=3)
    assert answer.raw == completion_body("Hello!")


async def test_complete_chat_raises_when_the_call_fails(house: House) -> None:
    async with ScriptedUpstream([[error("500 Internal Server Error")]]) as upstream:
        with pytest.raises(ProviderError):
            await house.llm(upstream).complete_chat(ROUTE, chat_request(), Wishes(), new_facts())


async def test_stream_chat_yields_the_chunks_as_they_come(house: House) -> None:
    more = asyncio.Event()
    script: list[Step] = [
        SSE_HEAD,
        ROLE,
        frame("Hel"),
        Until(more),
        frame("lo"),
        STOP,
        chunk(DONE),
        LAST_CHUNK,
    ]

    async with ScriptedUpstream([script]) as upstream:
        batches = house.llm(upstream).stream_chat(ROUTE, chat_request(stream=True), Wishes(), new_facts())
        first = await anext(batches)
        more.set()
        rest = [item async for batch in batches for item in batch]

    assert [item.content for item in first if not hasattr(item, "model")] == ["", "Hel"]
    assert "".join(getattr(item, "content", None) or "" for item in rest) == "lo"


async def test_get_embedding_returns_a_vector(house: House) -> None:
    async with ScriptedUpstream([[http(json.dumps(VECTORS).encode())]]) as upstream:
        vector = await house.llm(upstream).get_embedding(
            "hi", target=Target("main", "ada"), facts=new_facts()
        )

        assert upstream.requests[0].target == "/v1/embeddings"
        assert upstream.requests[0].json() == {"model": "ada", "input": "hi"}
    assert vector == [0.5, -1.0]


async def test_an_embeddings_answer_without_a_vector_is_an_error(house: House) -> None:
    body = json.dumps(VECTORS | {"data": [{"embedding": "AAAA"}]}).encode()

    async with ScriptedUpstream([[http(body)]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await house.llm(upstream).get_embedding("hi", target=Target("main", "ada"), facts=new_facts())


async def test_embed_gives_the_providers_body_as_it_came(house: House) -> None:
    body = json.dumps(VECTORS).encode()

    async with ScriptedUpstream([[http(body)]]) as upstream:
        answer = house.llm(upstream).embed(ROUTE, chat_request(kind="embeddings"), Wishes(), new_facts())
        said = await told(answer)

    assert said.completion is not None
    assert said.completion.raw == body


async def test_nothing_is_sent_before_the_answer_is_read(house: House) -> None:
    async with ScriptedUpstream([[completion()]]) as upstream:
        answer = house.llm(upstream).chat(ROUTE, chat_request(), Wishes(), new_facts())
        await asyncio.sleep(0.02)
        async with answer:
            pass

        assert upstream.connections == []


async def test_a_route_to_a_provider_that_is_gone_is_not_found() -> None:
    llm = LLMProvider({}, lambda: 0.0)

    with pytest.raises(ModelNotFound):
        await llm.complete_chat(ROUTE, chat_request(), Wishes(), new_facts())


# What goes up


async def test_a_body_that_nothing_changes_goes_up_as_it_came(house: House) -> None:
    request = chat_request(temperature=0.10, unknown={"b": 1, "a": [1e2]})

    async with ScriptedUpstream([[completion()]]) as upstream:
        await house.ask(upstream, request)

        assert upstream.requests[0].body == request.body


async def test_only_the_model_is_exchanged_where_the_target_has_another_name(house: House) -> None:
    request = chat_request(temperature=0.10, unknown={"b": 1, "a": [1e2]})
    route = Route(provider="main", model="llama3", reason="alias", policy="p")

    async with ScriptedUpstream([[completion()]]) as upstream:
        facts = new_facts()
        await house.llm(upstream).complete_chat(route, request, Wishes(), facts)

        assert upstream.requests[0].json() == json.loads(request.body) | {"model": "llama3"}
    assert facts.served_model == "llama3"


async def test_parameters_that_the_route_drops_do_not_go_up(house: House) -> None:
    route = Route(provider="main", model="o3-mini", reason="rule", policy="p", dropped=("temperature",))

    async with ScriptedUpstream([[completion()]]) as upstream:
        await house.llm(upstream).complete_chat(
            route, chat_request(temperature=0.5, n=1), Wishes(), new_facts()
        )

        assert "temperature" not in upstream.requests[0].json()
        assert upstream.requests[0].json()["n"] == 1


async def test_our_key_and_our_headers_go_up_and_nothing_else(house: House) -> None:
    wishes = Wishes(relay=(("?query", "api-version=2"), ("openai-beta", "assistants=v2")))

    async with ScriptedUpstream([[completion()]]) as upstream:
        await house.ask(upstream, chat_request(), wishes=wishes, headers=(("OpenAI-Organization", "org-1"),))

        seen = upstream.requests[0]
    assert seen.target == "/v1/chat/completions?api-version=2"
    assert {name.lower(): value for name, value in seen.headers} == {
        "host": f"127.0.0.1:{upstream.port}",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "content-length": str(len(seen.body)),
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "synthlang-router",
        "openai-organization": "org-1",
        "openai-beta": "assistants=v2",
    }


async def test_usage_is_asked_for_in_a_stream_and_what_the_asking_added_is_hidden(house: House) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    last = chunk(event(json.dumps({"choices": [], "usage": usage}).encode()))
    script = [SSE_HEAD + ROLE + frame("Hi") + STOP + last + chunk(DONE) + LAST_CHUNK]

    async with ScriptedUpstream([script]) as upstream:
        facts = new_facts()
        said = await house.ask(upstream, chat_request(stream=True), facts)

        assert upstream.requests[0].json()["stream_options"] == {"include_usage": True}
    assert facts.usage == Usage(prompt_tokens=7, completion_tokens=2)
    assert [item.hidden for item in said.chunks if item.usage is not None] == [True]


@pytest.mark.parametrize("setting", ["never", "ask", "always"])
async def test_usage_that_a_provider_refuses_to_tell_is_asked_for_as_the_setting_says(
    house: House, setting: str
) -> None:
    def script(request: object) -> list[Step]:
        asked = b"stream_options" in upstream.requests[-1].body
        return (
            [error("400 Bad Request", message="Unknown field: stream_options")] if asked else [stream("Hi")]
        )

    async with ScriptedUpstream(script) as upstream:
        llm = house.llm(upstream, stream_usage=setting)
        texts = []
        for _ in range(2):
            try:
                texts.append(
                    (await told(llm.chat(ROUTE, chat_request(stream=True), Wishes(), new_facts()))).text
                )
            except ProviderRejected as refused:
                texts.append(str(refused.http_status))

        asked = [b"stream_options" in request.body for request in upstream.requests]
    assert (texts, asked) == {
        "never": (["Hi", "Hi"], [False, False]),
        "ask": (["Hi", "Hi"], [True, False, False]),
        "always": (["400", "400"], [True, True]),
    }[setting]


async def test_a_refusal_that_has_nothing_to_do_with_usage_is_the_callers(house: House) -> None:
    async with ScriptedUpstream([[error("400 Bad Request", message="Bad tools.")]]) as upstream:
        with pytest.raises(ProviderRejected):
            await house.ask(upstream, chat_request(stream=True))

        assert len(upstream.requests) == 1


# What is told of it


async def test_facts_tell_who_answered_when_and_how(house: House) -> None:
    headers = [
        "openai-version: 2020-10-01",
        "openai-processing-ms: 12",
        "x-ratelimit-remaining-tokens: 99",
        "set-cookie: a=b",
        "openai-organization: acme-inc",
        "x-request-id: req_theirs",
    ]

    async with ScriptedUpstream([[completion(headers=headers)]]) as upstream:
        facts = new_facts()
        await house.ask(upstream, chat_request(), facts)

    assert (facts.provider, facts.served_model) == ("main", "gpt-4o-mini")
    assert facts.upstream_sent is not None and facts.first_data is not None
    assert facts.started <= facts.upstream_sent <= facts.first_data
    assert [(attempt.status, attempt.error) for attempt in facts.attempts] == [(200, None)]
    assert dict(facts.upstream_headers) == {
        "openai-version": "2020-10-01",
        "x-upstream-processing-ms": "12",
        "x-upstream-ratelimit-remaining-tokens": "99",
    }


async def test_a_failed_attempt_is_told_with_its_status(house: House) -> None:
    async with ScriptedUpstream([[error("429 Too Many Requests", code="rate_limit_exceeded")]]) as upstream:
        facts = new_facts()
        with pytest.raises(ProviderRejected):
            await house.ask(upstream, chat_request(), facts)

    assert [(attempt.status, attempt.error) for attempt in facts.attempts] == [
        (429, "rate_limit_exceeded")
    ] * 3


# Streams and whole answers


async def test_a_whole_answer_to_a_streamed_question_is_handed_on_whole(house: House) -> None:
    async with ScriptedUpstream([[completion("Hello!")]]) as upstream:
        said = await house.ask(upstream, chat_request(stream=True))

    assert said.completion is not None and said.completion.content == "Hello!"


async def test_a_streamed_answer_to_a_plain_question_is_folded(house: House) -> None:
    async with ScriptedUpstream([[stream("Hel", "lo!")]]) as upstream:
        said = await house.ask(upstream, chat_request())

    assert said.completion is not None and said.completion.content == "Hello!"


async def test_the_role_is_held_back_until_there_is_something_to_say(house: House) -> None:
    more = asyncio.Event()
    script: list[Step] = [SSE_HEAD, ROLE, Until(more), frame("Hi"), STOP, chunk(DONE), LAST_CHUNK]

    async with ScriptedUpstream([script]) as upstream:
        answer = house.llm(upstream).chat(ROUTE, chat_request(stream=True), Wishes(), new_facts())
        async with answer:
            opening = asyncio.ensure_future(answer.open())
            await upstream.seen(1)
            await asyncio.sleep(0.05)
            assert not opening.done()
            more.set()
            await opening


async def test_a_failure_after_the_role_is_still_a_failure_of_the_whole(house: House) -> None:
    async with ScriptedUpstream([[SSE_HEAD, ROLE, CLOSE]]) as upstream:
        answer = house.llm(upstream).chat(ROUTE, chat_request(stream=True), Wishes(), new_facts())
        async with answer:
            with pytest.raises(ProviderProtocolError):
                await answer.open()


@pytest.mark.parametrize("end", [CLOSE, RESET, LAST_CHUNK], ids=["close", "reset", "last chunk"])
async def test_a_stream_cut_before_its_finish_reason_is_an_error(house: House, end: Step) -> None:
    async with ScriptedUpstream([[SSE_HEAD, ROLE, frame("Hel"), Sleep(0.02), end]]) as upstream:
        facts = new_facts()
        with pytest.raises(ProviderProtocolError):
            await house.ask(upstream, chat_request(stream=True), facts)

    assert facts.finish_reason is None
    assert facts.attempts[0].error == "provider_protocol_error"


async def test_a_provider_that_never_names_a_finish_reason_may_be_marked_so(house: House) -> None:
    script = [SSE_HEAD + ROLE + frame("Hi") + chunk(DONE) + LAST_CHUNK]

    async with ScriptedUpstream([script]) as upstream:
        assert (await house.ask(upstream, chat_request(stream=True), finish_optional=True)).text == "Hi"


async def test_what_follows_done_is_dropped_and_not_waited_for(house: House) -> None:
    script: list[Step] = [SSE_HEAD, ROLE, frame("Hi"), STOP, chunk(DONE) + frame("more"), STALL]

    async with ScriptedUpstream([script]) as upstream:
        assert (await house.ask(upstream, chat_request(stream=True))).text == "Hi"
        await upstream.connections[0].left()


async def test_the_connection_of_a_whole_stream_is_used_again(house: House) -> None:
    script: list[Step] = [SSE_HEAD, ROLE, frame("Hi"), STOP, chunk(DONE), Sleep(0.02), LAST_CHUNK]

    async with ScriptedUpstream([script]) as upstream:
        await house.ask(upstream, chat_request(stream=True))
        await asyncio.sleep(0.06)
        await house.ask(upstream, chat_request(stream=True))

        assert len(upstream.connections) == 1


async def test_leaving_a_stream_closes_the_upstream(house: House) -> None:
    async with ScriptedUpstream([[SSE_HEAD, ROLE, frame("Hi"), STALL]]) as upstream:
        answer = house.llm(upstream).chat(ROUTE, chat_request(stream=True), Wishes(), new_facts())
        async with answer:
            await answer.open()

        await upstream.connections[0].left()


@pytest.mark.parametrize("streamed", [True, False])
async def test_being_cancelled_before_the_first_data_closes_the_upstream(
    house: House, streamed: bool
) -> None:
    async with ScriptedUpstream([[STALL]]) as upstream:
        asking = asyncio.ensure_future(house.ask(upstream, chat_request(stream=streamed)))
        await upstream.seen(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        await upstream.connections[0].left()


# What goes wrong


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param([http(b"", status="500 Oops")], 502, id="empty 500"),
        pytest.param([error("500 Internal Server Error")], 502, id="500"),
        pytest.param([http(b"<html>", status="502 Bad Gateway", kind="text/html")], 503, id="502 of a proxy"),
        pytest.param([error("503 Service Unavailable")], 503, id="503"),
        pytest.param([error("504 Gateway Timeout")], 504, id="504"),
        pytest.param([error("529 Overloaded")], 503, id="529"),
        pytest.param([error("404 Not Found", code="model_not_found")], 404, id="404"),
        pytest.param([error("402 Payment Required")], 402, id="402"),
        pytest.param([error("403 Forbidden", code="unsupported_country")], 403, id="403 of the request"),
        pytest.param([error("403 Forbidden", code="account_deactivated")], 502, id="403 of our key"),
        pytest.param([error("401 Unauthorized", code="invalid_api_key")], 502, id="401"),
        pytest.param([http(b"<html>hi</html>", kind="text/html")], 502, id="a page of HTML"),
        pytest.param([http(b"")], 502, id="nothing"),
        pytest.param([http(b"", kind="text/event-stream")], 502, id="an empty stream"),
        pytest.param([http(b"{}")], 502, id="no choices"),
        pytest.param(
            [http(b'{"error":{"message":"no","type":"server_error"}}')], 502, id="an error inside a 200"
        ),
        pytest.param(
            [http(b"", status="307 Temporary Redirect", headers=["location: /v1/x"])], 502, id="redirect"
        ),
        pytest.param(
            [head("content-length: 99", "content-type: application/json"), b"{", CLOSE], 502, id="cut"
        ),
        pytest.param([RESET], 503, id="reset"),
        pytest.param([SSE_HEAD, chunk(event(b"{nonsense")), LAST_CHUNK], 502, id="a malformed frame"),
        pytest.param(
            [SSE_HEAD, chunk(event(b'{"error":{"message":"x","code":503}}')), LAST_CHUNK],
            503,
            id="error event",
        ),
    ],
)
async def test_every_fault_has_its_status(
    house: House, script: list[Step], status: int, streamed: bool
) -> None:
    async with ScriptedUpstream([script]) as upstream:
        with pytest.raises(ProviderError) as caught:
            await house.ask(upstream, chat_request(stream=streamed))

    assert caught.value.http_status == status


async def test_a_refusal_keeps_the_providers_words_without_our_secrets(house: House) -> None:
    message = f"This model's maximum context length is 8192 tokens. Key {KEY}."
    script = [error("400 Bad Request", message=message, code="context_length_exceeded", param="messages")]

    async with ScriptedUpstream([script]) as upstream:
        with pytest.raises(ProviderRejected) as caught:
            await house.ask(upstream, chat_request())

    refused = caught.value
    assert (refused.http_status, refused.error_code, refused.param) == (
        400,
        "context_length_exceeded",
        "messages",
    )
    assert "maximum context length is 8192" in refused.message
    assert KEY not in refused.message


async def test_our_key_being_refused_says_nothing_of_the_key(house: House) -> None:
    script = [error("401 Unauthorized", message=f"Incorrect API key provided: {KEY}", code="invalid_api_key")]

    async with ScriptedUpstream([script]) as upstream:
        with pytest.raises(UpstreamAuth) as caught:
            await house.ask(upstream, chat_request())

    assert (caught.value.http_status, caught.value.should_retry) == (502, False)
    assert KEY not in caught.value.message


@pytest.mark.parametrize(
    ("headers", "wait", "again"),
    [
        (["retry-after: 7"], 7.0, None),
        (["retry-after-ms: 6500", "retry-after: 8"], 6.5, None),
        (["retry-after: soon"], None, False),
        (["x-should-retry: false"], None, False),
    ],
)
async def test_a_refusal_for_now_says_when_to_come_again(
    house: House, headers: list[str], wait: float | None, again: bool | None
) -> None:
    async with ScriptedUpstream([[error("429 Too Many Requests", headers=headers)]]) as upstream:
        with pytest.raises(ProviderRejected) as caught:
            await house.ask(upstream, chat_request())

    assert (caught.value.http_status, caught.value.retry_after, caught.value.should_retry) == (
        429,
        wait,
        again,
    )


async def test_a_spent_quota_is_not_worth_another_try(house: House) -> None:
    async with ScriptedUpstream([[error("429 Too Many Requests", code="insufficient_quota")]]) as upstream:
        with pytest.raises(ProviderRejected) as caught:
            await house.ask(upstream, chat_request())

    assert caught.value.should_retry is False


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_provider_that_says_nothing_is_a_timeout(house: House, streamed: bool) -> None:
    async with ScriptedUpstream([[STALL]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await house.ask(upstream, chat_request(stream=streamed), timeouts=Timeouts(first_token=0.1))

    assert (caught.value.phase, caught.value.http_status) == ("first_token", 504)


async def test_the_role_alone_does_not_stop_the_first_token_clock(house: House) -> None:
    pings: list[Step] = [step for _ in range(50) for step in (chunk(b": ping\n\n"), Sleep(0.02))]

    async with ScriptedUpstream([[SSE_HEAD, ROLE, *pings]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await house.ask(upstream, chat_request(stream=True), timeouts=Timeouts(first_token=0.2))

    assert caught.value.phase == "first_token"


async def test_the_callers_own_timeout_ends_it(house: House) -> None:
    async with ScriptedUpstream([[SSE_HEAD, ROLE, frame("Hi"), STALL]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await house.ask(upstream, chat_request(stream=True), wishes=Wishes(timeout=0.2))

    assert caught.value.phase == "total"


async def test_a_closed_port_is_unavailable(house: House) -> None:
    async with ScriptedUpstream([[]]) as upstream:
        pass

    with pytest.raises(ProviderUnavailable) as caught:
        await house.ask(upstream, chat_request())
    assert caught.value.http_status == 503


async def test_frames_without_data_cannot_go_on_for_ever(house: House) -> None:
    empty = chunk(event(frame_json({"role": "assistant", "content": ""})) * 100)

    async with ScriptedUpstream([[SSE_HEAD, *[empty] * 100, STALL]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await house.ask(upstream, chat_request(stream=True))
