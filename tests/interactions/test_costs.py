"""What a request cost: each call upstream its own line, and the rows add up to the provider's bill."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.interactions.costs import Costs, Counter, OwnPrice, Tariffs, own_price
from synthlang_router.interactions.prices import PriceTable, Units
from synthlang_router.models import Attempt, CacheStatus, ChatRequest, Facts, Outcome, Route, Usage
from tests.interactions.records import Clock, Transcript, answered, facts, request, row

DOLLAR = own_price(Units(input=10**9, output=2 * 10**9), max_output=4000)  # 1 and 2 USD a million tokens
COUNTER = Counter(lambda request, model: 11, lambda text, model: len(text.split()))


def costs(**own: OwnPrice) -> Costs:
    table = PriceTable.built_in()
    tariffs = Tariffs(
        {"openai": "openai", "local": None, "simulator": None},
        frozenset(("simulator",)),
        {("own", name): price for name, price in {"m": DOLLAR, **own}.items()},
    )
    return Costs(table, tariffs, now=Clock(1_795_500_000.0), counter=COUNTER)


def called(*attempts: Attempt, usage: Usage | None = None) -> Facts:
    known = facts()
    known.attempts = list(attempts)
    known.provider, known.served_model, known.model = "own", "m", "m"
    known.usage, known.usage_source, known.cost = usage, "" if usage is None else "provider", None
    known.route = Route("own", "m", "only one", "default")
    return known


def attempt(status: int = 200, error: str | None = None, model: str = "m") -> Attempt:
    return Attempt("own", model, 0.0, 1.0, status, error)


def asked(text: str = "x" * 360, model: str = "m") -> ChatRequest:
    return request(text, model)


def test_a_call_costs_what_the_provider_counted() -> None:
    known = called(attempt(), usage=Usage(1_000, 500))

    costs().settle(asked(), known, answered())

    assert known.cost == pytest.approx(0.002)
    assert [(one.cost, one.source, one.usage) for one in known.attempts] == [
        (0.002, "provider", Usage(1_000, 500))
    ]


def test_where_the_provider_does_not_say_tokens_are_counted() -> None:
    known = called(attempt())
    raw = json.dumps({}).encode()

    class Said(Transcript):
        def completion(self):  # type: ignore[no-untyped-def]
            return msgspec.structs.replace(super().completion(), content="three words here")

    costs().settle(asked(), known, Outcome("complete", Said(raw)))

    assert (known.usage, known.usage_source) == (Usage(11, 3), "counted")
    assert known.cost == pytest.approx(17e-6)


def test_what_is_too_long_to_count_is_estimated() -> None:
    known = called(attempt())

    costs().settle(asked("x" * 80_000), known, answered())

    assert known.usage_source == "estimated"
    assert known.usage is not None
    assert 20_000 <= known.usage.prompt_tokens <= 20_100


def test_a_refused_call_is_free_and_its_retry_is_paid() -> None:
    known = called(attempt(429, "rate_limit"), attempt(500, "server_error"), attempt(), usage=Usage(1_000, 0))

    costs().settle(asked(), known, answered())

    assert [one.cost for one in known.attempts] == [0.0, 0.0, pytest.approx(0.001)]
    assert known.cost == pytest.approx(0.001)


def test_a_call_that_lost_the_race_or_was_cut_is_on_the_bill_with_an_estimate() -> None:
    known = called(
        attempt(504, "provider_timeout"), attempt(), attempt(200, "cancelled"), usage=Usage(1_000, 500)
    )
    sent = asked()

    costs().settle(sent, known, answered())

    prompt = len(sent.body) // 4
    assert [one.source for one in known.attempts] == ["estimated", "provider", "estimated"]
    assert [one.cost for one in known.attempts] == pytest.approx([prompt * 1e-6, 0.002, prompt * 1e-6])
    assert known.cost == pytest.approx(0.002 + 2 * prompt * 1e-6)


def test_an_abandoned_stream_pays_for_what_was_written() -> None:
    known = called(attempt(200, "cancelled"))

    costs().settle(asked(), known, Outcome("abandoned"))

    assert (known.usage, known.usage_source) == (Usage(11, 0), "counted")


def test_a_request_that_was_refused_everywhere_costs_nothing() -> None:
    known = called(attempt(400, "invalid_request_error"))

    costs().settle(asked(), known, Outcome("failed", error="x", status=400))

    assert (known.cost, known.usage) == (0.0, None)


@pytest.mark.parametrize("status", [CacheStatus.HIT, CacheStatus.SEMANTIC_HIT, CacheStatus.COALESCED])
def test_an_answer_that_was_reused_costs_nothing_and_says_what_it_saved(status: CacheStatus) -> None:
    known = called(usage=Usage(1_000, 500))
    known.cache = status

    costs().settle(asked(), known, answered())

    assert known.cost == 0.0
    assert [method for method, _ in known.saved] == ["cache"]
    assert known.saved[0][1] == pytest.approx(0.002)


def test_compression_saves_the_tokens_that_were_not_sent() -> None:
    known = called(attempt(), usage=Usage(1_000, 500))
    known.tokens_saved = 200

    costs().settle(asked(), known, answered())

    assert [method for method, _ in known.saved] == ["compression"]
    assert known.saved[0][1] == pytest.approx(0.0002)


def test_routing_saves_or_costs_the_difference_to_the_asked_model() -> None:
    known = called(attempt(), usage=Usage(1_000, 500))

    costs(dear=own_price(Units(input=10**10, output=2 * 10**10))).settle(
        asked(model="dear"), known, answered()
    )

    assert [method for method, _ in known.saved] == ["routing"]
    assert known.saved[0][1] == pytest.approx(0.018)


def test_what_nobody_knows_the_price_of_has_no_cost_and_not_zero() -> None:
    known = called(attempt(), Attempt("local", "llama", 0.0, 1.0, 200, "cancelled"), usage=Usage(1_000, 500))

    costs().settle(asked(), known, answered())

    assert known.cost is None
    assert known.attempts[0].cost == pytest.approx(0.002)


def test_prices_are_those_of_the_configured_providers() -> None:
    known = costs()
    usage = Usage(1_000_000, 0)

    assert known.price("openai", "gpt-4o-2024-08-06", usage) == 2.5
    assert (
        known.price("openai", "gpt-4o-2024-08-06", msgspec.structs.replace(usage, cached_tokens=1_000_000))
        == 1.25
    )
    assert known.price("simulator", "anything", usage) == 0.0
    assert known.price("local", "llama", usage) is None
    assert known.price("unheard-of", "gpt-4o", usage) is None


def test_a_service_tier_has_its_own_price_where_the_provider_has_one() -> None:
    known = called(Attempt("openai", "gpt-5", 0.0, 1.0, 200), usage=Usage(1_000_000, 0))
    known.provider, known.served_model = "openai", "gpt-5"
    flex = asked(model="gpt-5").with_fields({"service_tier": b'"flex"'})
    default = asked(model="gpt-5").with_fields({"service_tier": b'"auto"'})

    costs().settle(flex, known, answered())
    cheaper = known.cost
    costs().settle(default, known, answered())

    assert (cheaper, known.cost) == (0.625, 1.25)


def test_the_tier_that_the_provider_served_at_counts_and_not_the_one_that_was_asked() -> None:
    known = called(Attempt("openai", "gpt-5", 0.0, 1.0, 200), usage=Usage(1_000_000, 0))
    known.provider, known.served_model = "openai", "gpt-5"
    flex = asked(model="gpt-5").with_fields({"service_tier": b'"flex"'})

    costs().settle(flex, known, Outcome("complete", Transcript(b'{"service_tier": "default"}')))
    refused = known.cost
    costs().settle(asked(model="gpt-5"), known, Outcome("complete", Transcript(b'{"service_tier": "flex"}')))

    assert (refused, known.cost) == (1.25, 0.625)


def test_a_provider_that_counts_as_it_goes_is_not_believed_of_a_stream_that_was_cut() -> None:
    known = called(attempt(200, "cancelled"), usage=Usage(50, 1))

    class Said(Transcript):
        def completion(self):  # type: ignore[no-untyped-def]
            return msgspec.structs.replace(super().completion(), content="three words here")

    costs().settle(asked(), known, Outcome("abandoned", Said(b"{}")))

    assert (known.usage, known.usage_source) == (Usage(50, 3), "counted")


def test_frames_that_make_no_answer_are_estimated() -> None:
    known = called(attempt(200, "provider_protocol_error"))
    known.first_data = 1.0

    class Garbage(Transcript):
        def completion(self):  # type: ignore[no-untyped-def]
            raise ProviderProtocolError("frames that make no answer")

    costs().settle(asked(), known, Outcome("failed", Garbage(b"{}"), error="x", status=502))

    assert (known.usage, known.usage_source) == (Usage(11, 500), "estimated")


@given(st.lists(st.integers(0, 10**6), min_size=7, max_size=7), st.sampled_from(["gpt-4o", "o3", "gpt-5"]))
def test_no_usage_costs_more_than_the_most(counts: list[int], model: str) -> None:
    usage, known = Usage(*counts), costs()
    most = known.most("openai", model, usage.prompt_tokens, usage.completion_tokens)
    price = known.price("openai", model, usage)

    assert most is not None
    assert price is not None
    assert price <= most * (1 + 1e-12)


def test_the_most_a_model_writes_is_known_where_somebody_says_so() -> None:
    known = costs()

    assert known.output_cap("own", "m") == 4000
    assert known.output_cap("openai", "gpt-4o") == 16_384
    assert known.output_cap("local", "llama") is None


def test_a_lost_call_is_estimated_from_its_prompt() -> None:
    lost = row(provider="own", model="m", outcome="lost", tokens={"prompt": 1_000})

    assert costs().estimate(lost) == pytest.approx(0.002)
    assert costs().estimate(msgspec.structs.replace(lost, kind="embeddings")) == pytest.approx(0.001)
    assert costs().estimate(msgspec.structs.replace(lost, provider="local")) is None


def test_an_operators_own_price_and_a_free_provider_know_no_tiers() -> None:
    known = costs()

    assert known.price("own", "m", Usage(1_000_000), "flex") == 1.0
    assert known.price("simulator", "anything", Usage(1_000_000), "flex") == 0.0


def test_a_changed_configuration_is_taken_over() -> None:
    known = costs()

    known.use(Tariffs({"local": "openai"}))

    assert known.price("own", "m", Usage(1)) is None
    assert known.price("local", "gpt-4o", Usage(1)) is not None
