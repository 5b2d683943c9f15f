"""From a route to the first data of an answer, past targets that fail; over real sockets."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from synthlang_router.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RouterError,
    UpstreamAuth,
)
from synthlang_router.llm_provider import LLMProvider, Timeouts, Transport
from synthlang_router.models import ChatRequest, Facts, Route, Target, Wishes
from tests.doubles.answers import (
    LAST_CHUNK,
    ROLE,
    SSE_HEAD,
    STOP,
    chunk,
    completion,
    error,
    frame,
    http,
    stream,
)
from tests.doubles.upstream import CLOSE, RESET, STALL, Script, ScriptedUpstream, SeenRequest, Step, Until
from tests.llm_provider.conftest import House, Told, chat_request, new_facts, told

TWO = Route("a", "m", "test", "test", alternatives=(Target("b", "m"),))
PEERS = Route("a", "m", "test", "test", alternatives=(Target("b", "m"),), peers=1)
ALONE = Route("a", "m", "test", "test")
Playing = Callable[[SeenRequest], Script]


@dataclass
class Two:
    """Two providers, `a` and `b`, whose scripts can be exchanged at any time; `ahead` moves the clock."""

    a: ScriptedUpstream
    b: ScriptedUpstream
    llm: LLMProvider
    ahead: float = 0.0
    plays: dict[str, Playing] = field(default_factory=dict)

    def play(self, name: str, *steps: Step) -> None:
        self.plays[name] = lambda request: steps

    def clock(self) -> float:
        return time.monotonic() + self.ahead

    async def ask(
        self,
        request: ChatRequest | None = None,
        *,
        route: Route = TWO,
        facts: Facts | None = None,
        wishes: Wishes | None = None,
    ) -> Told:
        answer = self.llm.chat(route, request or chat_request(), wishes or Wishes(), facts or self.facts())
        return await told(answer)

    def facts(self) -> Facts:
        return Facts(request_id="r", row_id="1", arrived=time.time(), started=self.clock())

    def seen(self) -> tuple[int, int]:
        return len(self.a.requests), len(self.b.requests)

    def state(self, name: str) -> str:
        return next(lane.state for lane in self.llm.health() if lane.provider == name)


@pytest.fixture
async def two(house: House) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        plays: dict[str, Playing] = {}
        a = await stack.enter_async_context(ScriptedUpstream(lambda request: plays["a"](request)))
        b = await stack.enter_async_context(ScriptedUpstream(lambda request: plays["b"](request)))
        providers = {
            "a": house.provider(a, name="a", timeouts=Timeouts(2.0, 5.0, 5.0, 60.0)),
            "b": house.provider(b, name="b", timeouts=Timeouts(2.0, 5.0, 5.0, 60.0)),
        }
        both = Two(a, b, LLMProvider({}, time.monotonic), plays=plays)
        both.llm = LLMProvider(providers, both.clock, lambda: 0.0)
        both.play("a", completion("from a"))
        both.play("b", completion("from b"))
        yield both


def content(said: Told) -> str | None:
    return said.text or (None if said.completion is None else said.completion.content)


# Elsewhere

FAULTS: list[Any] = [
    pytest.param([RESET], id="reset"),
    pytest.param([CLOSE], id="closed"),
    pytest.param([error("500 Internal Server Error")], id="500"),
    pytest.param([error("503 Service Unavailable", headers=["retry-after: 30"])], id="503"),
    pytest.param([error("429 Too Many Requests", headers=["retry-after: 30"])], id="429"),
    pytest.param([error("429 Too Many Requests", code="insufficient_quota")], id="no quota"),
    pytest.param([error("401 Unauthorized", code="invalid_api_key")], id="401"),
    pytest.param([http(b"<html>", kind="text/html")], id="html"),
    pytest.param([http(b"", status="302 Found", headers=["location: /"])], id="redirect"),
    pytest.param(
        [http(b'{"error":{"message":"overloaded","type":"overloaded_error"}}')], id="an error inside a 200"
    ),
    pytest.param([SSE_HEAD, ROLE, CLOSE], id="cut after the role"),
    pytest.param([SSE_HEAD, chunk(b"data: {nonsense\n\n"), LAST_CHUNK], id="a malformed frame"),
]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_target_that_fails_before_its_first_data_is_replaced_unnoticed(
    two: Two, fault: list[Step], streamed: bool
) -> None:
    two.play("a", *fault)
    two.play("b", stream("from ", "b"))
    facts = two.facts()

    said = await two.ask(chat_request(stream=streamed), facts=facts)

    assert content(said) == "from b"
    assert (facts.provider, [attempt.provider for attempt in facts.attempts]) == ("b", ["a", "b"])
    assert facts.attempts[0].error is not None and facts.attempts[1].error is None


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "402 Payment Required", "403 Forbidden", "404 Not Found", "422 No"]
)
async def test_a_refused_request_is_refused_and_goes_nowhere_else(two: Two, status: str) -> None:
    two.play("a", error(status))

    with pytest.raises(ProviderRejected):
        await two.ask()

    assert two.seen() == (1, 0)


async def test_after_the_first_data_nothing_is_tried_again(two: Two) -> None:
    two.play("a", SSE_HEAD, ROLE, frame("Hel"), RESET)

    with pytest.raises(ProviderProtocolError):
        await two.ask(chat_request(stream=True))

    assert two.seen() == (1, 0)


async def test_three_tries_are_the_most_over_all_targets(two: Two) -> None:
    two.play("a", RESET)
    two.play("b", RESET)
    facts = two.facts()

    with pytest.raises(ProviderUnavailable) as caught:
        await two.ask(facts=facts)

    assert sum(two.seen()) == 3
    assert len(facts.attempts) == 3
    assert caught.value.should_retry is False


async def test_a_slow_target_is_not_waited_for_twice(house: House, two: Two) -> None:
    two.llm.use(
        {
            name: house.provider(upstream, name=name, timeouts=Timeouts(1.0, 0.1, 1.0, 30.0))
            for name, upstream in (("a", two.a), ("b", two.b))
        }
    )
    two.play("a", STALL)

    with pytest.raises(ProviderTimeout):
        await two.ask(route=ALONE)
    assert content(await two.ask()) == "from b"
    assert two.seen() == (2, 1)


# The same again


async def test_a_single_target_gets_three_tries(two: Two) -> None:
    plays: Iterator[Script] = iter([[RESET], [error("500 Oops")], [completion("at last")]])
    two.plays["a"] = lambda request: next(plays)

    assert content(await two.ask(route=ALONE)) == "at last"


async def test_a_short_wait_that_was_told_is_kept(two: Two) -> None:
    plays: Iterator[Script] = iter(
        [[error("429 Too Many Requests", headers=["retry-after-ms: 120"])], [completion("now")]]
    )
    two.plays["a"] = lambda request: next(plays)
    facts = two.facts()

    assert content(await two.ask(route=ALONE, facts=facts)) == "now"
    assert facts.attempts[1].started - facts.attempts[0].ended >= 0.115


async def test_a_long_wait_that_was_told_is_handed_on_at_once(two: Two) -> None:
    two.play("a", error("429 Too Many Requests", headers=["retry-after: 20"]))
    facts = two.facts()

    with pytest.raises(ProviderRejected) as caught:
        await two.ask(route=ALONE, facts=facts)

    assert (caught.value.retry_after, caught.value.should_retry) == (20.0, None)
    assert ("retry-after", "20") in facts.upstream_headers
    assert two.seen() == (1, 0)


async def test_a_wait_beyond_the_callers_deadline_is_not_begun(two: Two) -> None:
    two.play("a", error("429 Too Many Requests", headers=["retry-after: 3"]))

    with pytest.raises(ProviderRejected):
        await two.ask(route=ALONE, wishes=Wishes(timeout=1.0))

    assert two.seen() == (1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        error("429 Too Many Requests", code="insufficient_quota"),
        error("500 Oops", headers=["x-should-retry: false"]),
        error("401 Unauthorized", code="invalid_api_key"),
    ],
    ids=["insufficient quota", "asked not to", "our key"],
)
async def test_what_no_second_try_can_mend_is_not_tried_twice(two: Two, answer: bytes) -> None:
    two.play("a", answer)

    with pytest.raises(ProviderError):
        await two.ask(route=ALONE)

    assert [request.target for request in two.a.requests].count("/v1/chat/completions") == 1


async def test_once_our_tries_are_spent_the_providers_word_on_retrying_is_overruled(two: Two) -> None:
    two.play("a", error("503 Busy", headers=["x-should-retry: true"]))
    facts = two.facts()

    with pytest.raises(ProviderError) as caught:
        await two.ask(route=ALONE, facts=facts)

    assert caught.value.should_retry is False
    assert "x-should-retry" not in dict(facts.upstream_headers)


async def test_a_target_in_trouble_gets_at_most_a_tenth_more_than_it_would_without_us(two: Two) -> None:
    two.play("a", error("500 Oops"))

    for _ in range(300):
        with pytest.raises(ProviderError):
            await two.ask(route=ALONE)

    assert two.seen()[0] <= 300 * 1.1


async def test_a_target_that_is_well_gets_its_three_tries_though_only_few_requests_came(two: Two) -> None:
    failing = error("503 Busy")
    turns = iter([failing, failing, completion("Here")] * 3)
    two.plays["a"] = lambda request: [next(turns)]

    for _ in range(3):
        await two.ask(route=ALONE)

    assert two.seen()[0] == 9


async def test_clients_that_retry_draw_on_the_same_budget(two: Two) -> None:
    two.play("a", error("500 Oops"))

    for _ in range(20):
        with pytest.raises(ProviderError):
            await two.ask(route=ALONE, wishes=Wishes(client_retry=1))

    assert two.seen()[0] <= 22


async def test_tries_share_one_deadline(two: Two) -> None:
    plays: Iterator[Script] = iter([[error("500 Oops")], [STALL]])
    two.plays["a"] = lambda request: next(plays)
    facts = two.facts()

    with pytest.raises(ProviderTimeout) as caught:
        await two.ask(route=ALONE, wishes=Wishes(timeout=0.3), facts=facts)

    assert caught.value.phase == "total"
    assert facts.attempts[-1].ended >= 0.29


# Health


async def test_a_target_that_keeps_failing_is_left_alone_until_a_probe_succeeds(two: Two) -> None:
    two.play("a", error("500 Oops"))
    for _ in range(5):
        await two.ask()
    assert (two.state("a"), two.seen()) == ("open", (5, 5))

    await two.ask()
    assert two.seen() == (5, 6)

    two.play("a", completion("from a"))
    two.ahead += 1.5
    assert content(await two.ask()) == "from a"
    assert two.state("a") == "good"


async def test_only_one_request_is_the_probe(two: Two) -> None:
    two.play("a", error("500 Oops"))
    for _ in range(5):
        await two.ask()
    more = asyncio.Event()
    two.play("a", Until(more), completion("from a"))
    two.ahead += 1.5

    asking = [asyncio.ensure_future(two.ask()) for _ in range(4)]
    await two.a.seen(6)
    await two.b.seen(8)
    more.set()
    await asyncio.gather(*asking)

    assert two.seen() == (6, 8)


async def test_a_target_in_trouble_is_still_asked_where_nobody_else_is_left(two: Two) -> None:
    two.play("a", error("500 Oops"))
    for _ in range(5):
        await two.ask()
    two.play("a", completion("from a"))

    assert content(await two.ask(route=ALONE)) == "from a"


async def test_a_dead_target_that_is_alone_is_not_waited_for(house: House) -> None:
    async with ScriptedUpstream([[]]) as upstream:
        provider = house.provider(upstream, name="a")
    ahead = 0.0
    llm = LLMProvider({"a": provider}, lambda: time.monotonic() + ahead, lambda: 0.0)
    facts = new_facts()

    async def ask() -> ProviderUnavailable:
        nonlocal facts
        facts = new_facts()
        with pytest.raises(ProviderUnavailable) as caught:
            await told(llm.chat(ALONE, chat_request(), Wishes(), facts))
        return caught.value

    for _ in range(5):
        await ask()
    refused = await ask()

    assert (refused.retry_after or 0.0) > 0
    assert facts.attempts == []
    ahead = 30.0
    await ask()
    assert len(facts.attempts) >= 1


async def test_one_caller_with_a_thousand_refused_prompts_switches_nothing_off_for_others(two: Two) -> None:
    two.plays["a"] = lambda request: [error("400 No") if b"bad" in request.body else completion("from a")]
    bad = chat_request(user="bad")

    async def refused() -> None:
        with pytest.raises(ProviderRejected):
            await two.ask(bad)

    for _ in range(20):
        await asyncio.gather(*(refused() for _ in range(50)))

    assert content(await two.ask()) == "from a"
    assert two.seen() == (1001, 0)


async def test_a_busy_target_is_passed_over_until_its_reset(two: Two) -> None:
    two.play("a", error("429 Too Many Requests", headers=["x-ratelimit-reset-requests: 20s"]))
    await two.ask()
    two.play("a", completion("from a"))

    assert content(await two.ask()) == "from b"
    two.ahead += 21
    assert content(await two.ask()) == "from a"


async def test_a_refused_key_is_marked_after_one_probe_and_tried_again_later(two: Two) -> None:
    two.play("a", error("401 Unauthorized", code="invalid_api_key"))

    assert content(await two.ask()) == "from b"
    assert [request.target for request in two.a.requests] == ["/v1/chat/completions", "/v1/models"]
    assert two.state("a") == "key_refused"

    assert content(await two.ask()) == "from b"
    assert two.seen() == (2, 2)

    two.play("a", completion("from a"))
    two.ahead += 31
    assert content(await two.ask()) == "from a"
    assert two.state("a") == "good"


async def test_a_401_that_the_probe_does_not_confirm_is_that_requests_own_matter(two: Two) -> None:
    two.plays["a"] = lambda request: [http(b"{}") if request.method == "GET" else error("401 Unauthorized")]

    for _ in range(3):
        assert content(await two.ask()) == "from b"

    assert two.state("a") == "good"
    assert [request.method for request in two.a.requests].count("GET") == 1


async def test_one_401_of_a_sole_provider_never_refuses_later_requests(two: Two) -> None:
    two.play("a", error("401 Unauthorized", code="invalid_api_key"))
    with pytest.raises(UpstreamAuth):
        await two.ask(route=ALONE)
    two.play("a", completion("from a"))

    assert content(await two.ask(route=ALONE)) == "from a"


async def test_an_empty_account_is_marked_at_its_second_refusal(two: Two) -> None:
    two.play("a", error("429 Too Many Requests", code="insufficient_quota"))
    await two.ask()
    two.ahead += 5
    await two.ask()
    two.ahead += 5
    await two.ask()

    assert two.seen() == (2, 3)


# Many targets


async def test_new_conversations_are_spread_by_weight(two: Two) -> None:
    draw = random.Random(7)
    routes = [
        Route("a", "m", "t", "t", (Target("b", "m", 1.0),), weight=3.0, peers=1),
        Route("b", "m", "t", "t", (Target("a", "m", 3.0),), weight=1.0, peers=1),
    ]

    for number in range(80):
        route = routes[0] if draw.random() < 0.75 else routes[1]
        await two.ask(chat_request(messages=[{"role": "user", "content": f"new {number}"}]), route=route)

    assert two.seen()[0] > two.seen()[1] > 0


async def test_a_target_with_much_in_flight_is_spared(two: Two) -> None:
    more = asyncio.Event()
    two.play("a", Until(more), completion("from a"))
    held = [asyncio.ensure_future(two.ask(route=ALONE)) for _ in range(5)]
    await two.a.seen(5)

    assert content(await two.ask(route=PEERS)) == "from b"
    more.set()
    await asyncio.gather(*held)


def conversation(number: int, turns: int) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": f"You are agent {number}." + " Be terse." * 20}]
    for turn in range(turns):
        messages.append({"role": "user", "content": f"question {number} {turn} " + "why " * 20})
        messages.append({"role": "assistant", "content": f"answer {turn}" + " because" * 20})
    return messages[:-1]


def cached_share(requests: list[SeenRequest]) -> float:
    """The share of the characters sent that a prompt cache had from an earlier request to the same place."""
    known: set[str] = set()
    cached = total = 0
    for request in requests:
        messages = request.json()["messages"]
        for end in range(1, len(messages) + 1):
            prefix = json.dumps(messages[:end])
            size = len(messages[end - 1]["content"])
            total += size
            cached += size if prefix in known else 0
            known.add(prefix)
    return cached / total


async def test_running_conversations_stay_and_keep_their_prompt_cache(two: Two) -> None:
    turns = [(number, turn) for turn in range(1, 9) for number in range(24)]
    routes = [PEERS, Route("b", "m", "test", "test", (Target("a", "m"),), peers=1)]
    draw = random.Random(3)

    for number, turn in turns:
        await two.ask(chat_request(messages=conversation(number, turn)), route=draw.choice(routes))

    assert min(two.seen()) > 40
    whole = sorted(two.a.requests + two.b.requests, key=lambda request: len(request.body))
    both = cached_share(two.a.requests) * len(two.a.requests) + cached_share(two.b.requests) * len(
        two.b.requests
    )
    assert both / len(whole) >= 0.95 * cached_share(whole)


async def test_a_conversation_whose_target_fails_moves_and_stays_where_it_went(two: Two) -> None:
    await two.ask(chat_request(messages=conversation(1, 1)), route=PEERS)
    home, other = ("a", "b") if two.seen() == (1, 0) else ("b", "a")
    two.play(home, error("500 Oops"))
    await two.ask(chat_request(messages=conversation(1, 2)), route=PEERS)
    two.play(home, completion(f"from {home}"))

    said = await two.ask(chat_request(messages=conversation(1, 3)), route=PEERS)

    assert content(said) == f"from {other}"


async def test_signed_thoughts_go_only_to_their_signer(two: Two) -> None:
    two.play("a", error("500 Oops"))
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "so", "signature": "xyz"}]}
    messages = [{"role": "user", "content": "a"}, thought, {"role": "user", "content": "b"}]

    with pytest.raises(ProviderError):
        await two.ask(chat_request(messages=messages))

    assert two.seen()[1] == 0


async def test_two_targets_under_load_one_of_which_dies_show_no_error_to_anybody(two: Two) -> None:
    answered = 0
    dead = asyncio.Event()

    def dying(request: SeenRequest) -> Script:
        return [RESET] if dead.is_set() else [SSE_HEAD, ROLE, frame("Hi"), STOP + LAST_CHUNK]

    two.plays["a"] = dying
    two.play("b", stream("Hi"))

    async def caller(number: int) -> None:
        nonlocal answered
        for turn in range(15):
            request = chat_request(stream=True, messages=[{"role": "user", "content": f"{number} {turn}"}])
            assert content(await two.ask(request, route=PEERS)) == "Hi"
            answered += 1
            if answered == 100:
                dead.set()

    await asyncio.gather(*(caller(number) for number in range(20)))

    assert answered == 300


# Hedging


HEDGED = Route("a", "m", "test", "test", alternatives=(Target("b", "m"),), hedge=True)


async def warmed(two: Two) -> None:
    """Enough answers of `a` for a p95, and enough paid in for one hedge that none of them could use."""
    other = Route("b", "m", "test", "test", alternatives=(Target("a", "m"),), hedge=True)
    for route in [HEDGED] * 15 + [other] * 10 + [ALONE] * 10:
        await two.ask(route=route)


async def test_a_second_target_starts_when_the_first_is_slower_than_it_uses_to_be(two: Two) -> None:
    await warmed(two)
    two.play("a", STALL)
    facts = two.facts()

    said = await two.ask(route=HEDGED, facts=facts)

    assert content(said) == "from b"
    assert facts.provider == "b"
    assert [(attempt.provider, attempt.error) for attempt in facts.attempts] == [("a", "hedged"), ("b", None)]
    await two.a.connections[0].left()


async def test_the_first_still_wins_where_it_is_sooner_after_all(two: Two) -> None:
    await warmed(two)
    more = asyncio.Event()
    two.play("a", Until(more), completion("from a"))
    two.play("b", STALL)
    facts = two.facts()

    asking = asyncio.ensure_future(two.ask(route=HEDGED, facts=facts))
    await two.b.seen(11)
    more.set()

    assert content(await asking) == "from a"
    assert (facts.provider, {attempt.error for attempt in facts.attempts}) == ("a", {None, "hedged"})


async def test_at_most_one_call_in_twenty_is_a_second_one(two: Two) -> None:
    draw = random.Random(5)
    two.plays["a"] = lambda request: (
        [completion("from a")] if draw.random() < 0.5 else [Until(late), completion("from a")]
    )
    late = asyncio.Event()
    late.set()
    for _ in range(100):
        await two.ask(route=HEDGED)

    assert two.seen()[1] <= 5


async def test_without_the_option_nobody_is_hedged(two: Two) -> None:
    await warmed(two)
    more = asyncio.Event()
    two.play("a", Until(more), completion("from a"))

    asking = asyncio.ensure_future(two.ask(route=TWO))
    await two.a.seen(26)
    await asyncio.sleep(0.05)
    more.set()

    assert content(await asking) == "from a"
    assert two.seen()[1] == 10


async def test_leaving_a_race_closes_both(two: Two) -> None:
    await warmed(two)
    two.play("a", STALL)
    two.play("b", STALL)

    asking = asyncio.ensure_future(two.ask(route=HEDGED))
    await two.b.seen(11)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await two.a.connections[0].left()
    await two.b.connections[0].left()
    await asyncio.sleep(0)
    assert [lane.in_flight for lane in two.llm.health()] == [0, 0]


async def test_nothing_stays_in_flight_however_a_request_ends(two: Two) -> None:
    two.play("a", SSE_HEAD, ROLE, frame("Hi"), STALL)
    answer = two.llm.chat(TWO, chat_request(stream=True), Wishes(), two.facts())
    async with answer:
        await answer.open()
    two.play("a", SSE_HEAD, ROLE, frame("Hi"), RESET)
    with pytest.raises(RouterError):
        await two.ask(chat_request(stream=True))
    two.play("a", completion())
    await two.ask()

    assert {lane.in_flight for lane in two.llm.health()} == {0}


async def test_a_reload_keeps_what_is_known_of_targets(two: Two, house: House, transport: Transport) -> None:
    two.play("a", error("500 Oops"))
    for _ in range(5):
        await two.ask()

    two.llm.use({"a": house.provider(two.a, name="a"), "b": house.provider(two.b, name="b")})

    assert two.state("a") == "open"
