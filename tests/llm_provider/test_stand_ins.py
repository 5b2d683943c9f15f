"""Targets that stand in for others: in their own dialect, with what their model takes, and within their limits."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from synthlang_router.errors import InvalidRequest, ProviderError, ProviderTimeout
from synthlang_router.llm_provider import LLMProvider
from synthlang_router.models import ChatRequest, Facts, Patience, Route, Target, Wishes
from tests.doubles.answers import completion, error, http
from tests.doubles.anthropic import MESSAGE, MESSAGE_STREAM
from tests.doubles.upstream import STALL, Script, ScriptedUpstream, SeenRequest
from tests.llm_provider.conftest import House, Told, chat_request, new_facts, told

TO_CLAUDE = Route("gpt", "gpt-x", "test", "test", alternatives=(Target("claude", "claude-x"),))
REFUSES = Target(
    "other", "o3-mini", refuses=("temperature",), renames=(("max_tokens", "max_completion_tokens"),)
)
TO_OTHER = Route("gpt", "gpt-x", "test", "test", alternatives=(REFUSES,))


@dataclass
class Three:
    """`gpt` fails unless a test says otherwise; `claude` speaks Anthropic's dialect; `other` is a second OpenAI."""

    upstreams: dict[str, ScriptedUpstream]
    llm: LLMProvider
    plays: dict[str, Script]

    async def ask(
        self, route: Route, request: ChatRequest, wishes: Wishes | None = None
    ) -> tuple[Told, Facts]:
        facts = new_facts()
        return await told(self.llm.chat(route, request, wishes or Wishes(), facts)), facts

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [request.json() for request in self.upstreams[name].requests]


@pytest.fixture
async def three(house: House) -> AsyncIterator[Three]:
    async with AsyncExitStack() as stack:
        plays: dict[str, Script] = {
            "gpt": [error("500 Oops")],
            "claude": [MESSAGE],
            "other": [completion("from other")],
        }

        def played(name: str) -> Any:
            def script(request: SeenRequest) -> Script:
                return plays[name]

            return script

        upstreams = {name: await stack.enter_async_context(ScriptedUpstream(played(name))) for name in plays}
        providers = {
            name: house.provider(
                upstream,
                name=name,
                dialect="anthropic" if name == "claude" else "openai",
                stream_usage="never",
            )
            for name, upstream in upstreams.items()
        }
        yield Three(upstreams, LLMProvider(providers, time.monotonic, lambda: 0.0), plays)


async def test_a_stand_in_may_speak_another_dialect(three: Three) -> None:
    said, facts = await three.ask(TO_CLAUDE, chat_request(seed=7))

    assert said.completion is not None
    assert (said.completion.content, said.completion.dialect) == ("Bonjour.", "openai")
    assert three.bodies("claude")[0]["model"] == "claude-x"
    assert (facts.provider, facts.dropped) == ("claude", ("seed",))


async def test_a_stream_goes_over_to_another_dialect_before_its_first_data(three: Three) -> None:
    three.plays["claude"] = [MESSAGE_STREAM]

    said, _ = await three.ask(TO_CLAUDE, chat_request(stream=True))

    assert said.text == "Bonjour."


async def test_messages_go_over_to_a_provider_of_the_other_dialect(three: Three) -> None:
    three.plays["claude"] = [error("529 Overloaded")]
    route = Route("claude", "claude-x", "test", "test", alternatives=(Target("other", "gpt-y"),))
    fields = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
    request = ChatRequest(
        {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()},
        model="m",
        stream=False,
        dialect="anthropic",
        kind="messages",
    )

    said, _ = await three.ask(route, request)

    assert said.completion is not None
    assert json.loads(said.completion.raw)["content"] == [{"type": "text", "text": "from other"}]


async def test_what_the_stand_ins_model_refuses_is_left_out_and_named(three: Three) -> None:
    said, facts = await three.ask(TO_OTHER, chat_request(temperature=0.5, max_tokens=5))

    assert said.completion is not None
    sent = three.bodies("other")[0]
    assert "temperature" not in sent
    assert (sent["max_completion_tokens"], facts.dropped) == (5, ("temperature",))
    assert three.bodies("gpt")[0]["temperature"] == 0.5


async def test_a_stand_in_that_was_asked_for_by_its_own_name_gets_what_was_sent(three: Three) -> None:
    await three.ask(TO_OTHER, chat_request(model="o3-mini", temperature=0.5))

    assert three.bodies("other")[0]["temperature"] == 0.5


@pytest.mark.parametrize("route", [TO_OTHER, TO_CLAUDE])
async def test_whoever_is_strict_gets_the_first_ones_failure_instead_of_a_dropped_parameter(
    three: Three, route: Route
) -> None:
    with pytest.raises(ProviderError) as caught:
        await three.ask(route, chat_request(temperature=0.5, seed=7), Wishes(strict=True))

    assert caught.value.http_status == 502
    assert three.bodies("claude") == []
    assert three.bodies("other") == []


async def test_a_kind_that_the_first_does_not_have_goes_to_one_that_has_it(three: Three) -> None:
    route = Route("claude", "claude-x", "test", "test", alternatives=(Target("other", "gpt-y"),))
    three.plays["other"] = [
        http(b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"e"}')
    ]

    _, facts = await three.ask(route, chat_request(kind="embeddings"))

    assert [attempt.provider for attempt in facts.attempts] == ["other"]


async def test_a_kind_that_nobody_has_is_the_callers_error_and_counts_as_no_try(three: Three) -> None:
    facts = new_facts()

    with pytest.raises(InvalidRequest):
        await told(
            three.llm.chat(
                Route("claude", "claude-x", "t", "t"), chat_request(kind="embeddings"), Wishes(), facts
            )
        )

    assert facts.attempts == []
    assert [lane.in_flight for lane in three.llm.health()] == [0]


SIGNED = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "so", "signature": "xyz"}]},
    {"role": "user", "content": "b"},
]


async def test_thoughts_that_a_stand_in_signed_go_back_to_it_and_not_to_the_first(three: Three) -> None:
    first = [{"role": "user", "content": "a"}]
    await three.ask(TO_OTHER, chat_request(messages=first))
    three.plays["gpt"] = [completion("from gpt")]

    _, signed = await three.ask(TO_OTHER, chat_request(messages=SIGNED))
    _, unsigned = await three.ask(TO_OTHER, chat_request(messages=first))

    assert (signed.provider, unsigned.provider) == ("other", "gpt")


async def test_a_signer_in_trouble_is_not_replaced_by_somebody_who_cannot_read_it(three: Three) -> None:
    three.plays["other"] = [completion("from other")]
    with pytest.raises(ProviderError):
        await three.ask(TO_OTHER, chat_request(messages=SIGNED))

    assert three.bodies("other") == []


async def test_a_names_own_patience_stands_in_for_the_providers(three: Three) -> None:
    three.plays["gpt"] = [STALL]
    hasty = Route("gpt", "gpt-x", "test", "test", patience=Patience(first_token=0.05))

    with pytest.raises(ProviderTimeout) as caught:
        await three.ask(hasty, chat_request())

    assert (caught.value.phase, "0.05 s" in caught.value.message) == ("first_token", True)


async def test_a_names_own_total_is_spent_by_all_tries_together(three: Three) -> None:
    three.plays["gpt"] = [error("503 Busy", headers=["retry-after: 2"])]
    short = Route("gpt", "gpt-x", "test", "test", patience=Patience(total=1.0))

    with pytest.raises(ProviderError) as caught:
        await three.ask(short, chat_request())

    assert caught.value.retry_after == 2.0
    assert len(three.bodies("gpt")) == 1
