"""The dry run says per kind of data what would be saved, in tokens and money."""

from __future__ import annotations

import json

import pytest

from synthlang_router.synthlang.report import Price, report, request_of

TABLE = json.dumps([{"id": n, "name": f"user {n}", "active": True} for n in range(50)], indent=2)
LOG = "\n".join(f"2031-01-02 10:00:{n:02} INFO worker {n % 3} started job {n * 37}" for n in range(40))


def test_files_are_read_as_bodies_messages_or_texts() -> None:
    message = {"role": "user", "content": "hi"}

    for content in (json.dumps({"model": "x", "messages": [message]}), json.dumps([message]), "hi"):
        assert request_of(content.encode(), "gpt-4o").messages == [message]
    assert request_of(TABLE.encode(), "gpt-4o").messages == [{"role": "user", "content": TABLE}]
    assert request_of(b"\xff\xfe", "gpt-4o").messages[0]["role"] == "user"


def test_lines_are_by_class_with_a_sum_at_the_end() -> None:
    requests = [
        request_of(text.encode(), "gpt-4o") for text in (TABLE, LOG, LOG, "Write a poem about the sea.")
    ]

    lines = report(requests, "readable")

    assert [(line.name, line.requests) for line in lines] == [
        ("json", 1),
        ("log", 2),
        ("prose", 1),
        ("all", 4),
    ]
    by_name = {line.name: line for line in lines}
    assert by_name["json"].share_saved > 0.5 and by_name["log"].share_saved > 0.5
    assert by_name["prose"].share_saved == 0
    assert by_name["all"].tokens_after == sum(line.tokens_after for line in lines[:-1])
    assert by_name["all"].money_before is None


def test_money_counts_cached_tokens_at_their_own_price() -> None:
    (_, fresh) = report(
        [request_of(TABLE.encode(), "gpt-4o")], "readable", price=Price(fresh=10.0, cached=1.0)
    )
    (_, mixed) = report(
        [request_of(TABLE.encode(), "gpt-4o")], "readable", price=Price(10.0, 1.0), cached_share=0.5
    )

    assert fresh.money_before == pytest.approx(fresh.tokens_before * 10 / 1e6)
    assert fresh.money_before is not None and mixed.money_before == pytest.approx(fresh.money_before * 0.55)


def test_nothing_to_report_on_is_no_lines() -> None:
    assert report([], "exact") == []
