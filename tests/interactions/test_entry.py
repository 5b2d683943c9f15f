"""A request's facts become a row."""

from __future__ import annotations

import msgspec

from synthlang_router.interactions.entry import closed_row, opened_row
from synthlang_router.interactions.record import Timings, Tokens
from synthlang_router.models import Attempt, CacheStatus, Outcome
from tests.interactions.records import CALLER, answered, facts, request


def test_a_closed_row_says_who_asked_what_who_answered_and_what_it_cost() -> None:
    known = facts("r")
    known.tags = (("run", "7"),)

    row = closed_row(CALLER, request(), known, answered(), 101.0)

    assert (row.id, row.request_id, row.tenant, row.user, row.key_id) == (
        "r",
        known.request_id,
        "acme",
        "bob",
        "key-1",
    )
    assert (row.asked_model, row.model, row.provider, row.route_reason) == (
        "gpt-4o",
        "gpt-4o-2024",
        "openai",
        "rule 1",
    )
    assert (row.status, row.outcome, row.delivered, row.cache, row.cost) == (
        200,
        "complete",
        True,
        "MISS",
        0.0012,
    )
    assert row.tokens == Tokens(12, 34, cached=4)
    assert row.usage_source == "provider"
    assert row.timings == Timings(250.0, 1.5, 500.0, 1000.0)
    assert row.attempts == (Attempt("openai", "gpt-4o-2024", 0.01, 0.5, 200),)
    assert row.tags == (("team", "blue"), ("run", "7"))


def test_tokens_of_an_answer_from_the_cache_are_not_the_providers() -> None:
    known = facts()
    known.cache = CacheStatus.SEMANTIC_HIT

    assert closed_row(CALLER, request(), known, answered(), 101.0).usage_source == "cache"


def test_unknown_usage_is_not_zero() -> None:
    known = facts()
    known.usage = None

    assert closed_row(CALLER, request(), known, answered(), 101.0).tokens.prompt is None


def test_what_did_not_end_whole_was_not_delivered() -> None:
    row = closed_row(CALLER, request(), facts(), Outcome("abandoned", status=499), 101.0)

    assert (row.outcome, row.delivered) == ("abandoned", False)


def test_a_request_that_failed_before_it_had_a_route_has_a_row_too() -> None:
    known = facts()
    known.route, known.provider, known.model, known.route_reason = None, "", "", ""
    known.upstream_sent = known.first_data = known.usage = known.cache = None

    row = closed_row(CALLER, request(), known, Outcome("failed", error="model_not_found", status=404), 100.5)

    assert (row.model, row.provider, row.error) == ("gpt-4o", "", "model_not_found")
    assert row.timings == Timings(None, 1.5, None, 500.0)


def test_an_opened_row_is_the_lost_one_it_may_become() -> None:
    known = facts("r")

    row = opened_row(CALLER, request("word " * 100), known)

    assert (row.id, row.outcome, row.delivered, row.usage_source) == ("r", "lost", False, "estimated")
    assert (row.model, row.provider) == ("gpt-4o-2024", "openai")
    assert row.tokens.prompt is not None
    assert 100 <= row.tokens.prompt <= 200


def test_rows_survive_their_encoding() -> None:
    row = closed_row(CALLER, request(), facts(), answered(), 101.0)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=type(row)) == row
