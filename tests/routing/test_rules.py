"""When a rule applies."""

from __future__ import annotations

from typing import Any

import pytest

from synthlang_router.models import Wishes
from synthlang_router.routing import SPECIFICATION_RULES, Condition, Rule, rules_in_force
from synthlang_router.routing.rules import described, first_match, holds
from tests.routing.houses import ANYBODY, caller, request

IMAGE = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}],
    }
]
ODD: list[Any] = ["text", {"content": 3}, {"content": ["text", {"type": ["image_url"]}]}, None]


@pytest.mark.parametrize(
    ("when", "fields", "expected"),
    [
        (Condition(), {}, True),
        (Condition(models=("x*", "*gpt-4o*")), {"model": "my-gpt-4o"}, True),
        (Condition(models=("x*", "y*")), {"model": "my-gpt-4o"}, False),
        (Condition(stream=True), {"stream": True}, True),
        (Condition(stream=False), {"stream": True}, False),
        (Condition(stream=False), {}, True),
        (Condition(has_tools=True), {"tools": [{}]}, True),
        (Condition(has_tools=True), {"functions": [{}]}, True),
        (Condition(has_tools=True), {"tools": []}, False),
        (Condition(has_tools=False), {"tools": None}, True),
        (Condition(has_images=True), {"messages": IMAGE}, True),
        (Condition(has_images=True), {"messages": "odd"}, False),
        (Condition(has_images=True), {"messages": [*ODD, *IMAGE]}, True),
        (Condition(has_images=False), {}, True),
        (
            Condition(has_images=True),
            {"kind": "responses", "input": [{"content": [{"type": "input_image"}]}]},
            True,
        ),
        (Condition(has_images=True), {"kind": "responses", "input": "text"}, False),
        (Condition(min_prompt_bytes=30), {"messages": "x" * 28}, True),
        (Condition(min_prompt_bytes=31), {"messages": "x" * 28}, False),
        (Condition(max_prompt_bytes=30), {"messages": "x" * 28}, True),
        (Condition(max_prompt_bytes=29), {"messages": "x" * 28}, False),
        (Condition(models=("a",), stream=True), {"model": "a"}, False),
    ],
)
def test_a_rule_applies_when_all_that_is_written_holds(
    when: Condition, fields: dict[str, Any], expected: bool
) -> None:
    asked = request(**{"model": "m", **fields})

    assert holds(when, asked, ANYBODY, Wishes()) is expected


@pytest.mark.parametrize(
    ("of_key", "of_request", "expected"),
    [
        ("prod", "", True),
        ("", "prod", True),
        ("dev", "prod", False),
        ("production", "", False),
        ("", "", False),
    ],
)
def test_a_tag_of_the_key_cannot_be_overwritten_by_the_request(
    of_key: str, of_request: str, expected: bool
) -> None:
    who = caller(tags=(("stage", of_key),) if of_key else ())
    wishes = Wishes(tags=(("stage", of_request),) if of_request else ())

    assert holds(Condition(tags=(("stage", "pro?"),)), request("m"), who, wishes) is expected


def test_the_first_rule_that_matches_decides() -> None:
    rules = [Rule("a", Condition(models=("x",))), Rule("b", Condition(models=("m*",))), Rule("c")]

    assert first_match(rules, request("model"), ANYBODY, Wishes()) == (2, rules[1])
    assert first_match(rules[:1], request("model"), ANYBODY, Wishes()) is None


def test_the_specifications_rules_are_the_default_where_the_contract_says_so() -> None:
    own = [Rule("a")]

    assert rules_in_force(None, "unknown", zero_configuration=False) is None
    assert rules_in_force(None, "unknown", zero_configuration=True) == SPECIFICATION_RULES
    assert rules_in_force(None, "all", zero_configuration=False) == SPECIFICATION_RULES
    assert rules_in_force([], "all", zero_configuration=True) == ()
    assert rules_in_force(own, "all", zero_configuration=True) == tuple(own)


def test_a_condition_is_told_in_one_phrase() -> None:
    when = Condition(models=("a*", "b"), stream=True, tags=(("stage", "p*"),), max_prompt_bytes=5)

    assert described(when) == "a*|b stage=p* stream=true max_prompt_bytes=5"
    assert described(Condition()) == "always"
