"""Which of a name's targets can take a request."""

from __future__ import annotations

from typing import Any

import pytest

from synthlang_router.models import Route, Target, Wishes
from synthlang_router.routing import Model, Router
from synthlang_router.routing.abilities import least_tokens, wants_json
from tests.routing.houses import ANYBODY, caller, new_facts, request, router

LISTS: dict[str, list[str] | None] = {"local": ["small"], "big": ["large", "other"]}
SMALL = Target("local", "small", 3.0, context=1000, lacks=("tools", "images", "json"))
LARGE = Target("big", "large", 1.0)
TOOL = {"type": "function", "function": {"name": "f"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def house(*targets: Target, fallbacks: tuple[str, ...] = (), at: float = 0.0) -> Router:
    return router([Model("m", targets, fallbacks)], LISTS, at=at)


def route(by: Router, *globs: str, **fields: Any) -> Route:
    return by.choose_model(
        request("m", **fields), caller(*globs) if globs else ANYBODY, Wishes(), new_facts()
    )


def names(found: Route) -> list[str]:
    return [found.model, *(target.model for target in found.alternatives)]


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [TOOL]},
        {"functions": [{"name": "f"}]},
        {"messages": [{"role": "user", "content": [PICTURE]}]},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
        {"messages": [{"role": "user", "content": "word " * 1000}]},
        {"max_tokens": 1001},
        {"max_completion_tokens": 1001},
    ],
)
def test_a_request_goes_only_where_it_can_be_served(fields: dict[str, Any]) -> None:
    assert names(route(house(SMALL, LARGE), **fields)) == ["large"]


@pytest.mark.parametrize(
    "fields",
    [{}, {"tools": []}, {"response_format": {"type": "text"}}, {"max_tokens": 900}, {"tools": None}],
)
def test_a_request_that_everybody_can_serve_goes_by_weight(fields: dict[str, Any]) -> None:
    assert names(route(house(SMALL, LARGE), **fields)) == ["small", "large"]
    assert names(route(house(SMALL, LARGE, at=0.9), **fields)) == ["large", "small"]


def test_a_fallback_that_could_not_serve_it_is_not_tried() -> None:
    found = route(house(LARGE, SMALL, Target("big", "other")), tools=[TOOL])

    assert names(found) == ["large", "other"]
    assert found.peers == 1


def test_a_fallback_stands_in_at_once_where_no_target_can_serve_it() -> None:
    by = house(SMALL, fallbacks=("big/large", "big/other"))

    assert names(route(by)) == ["small", "large", "other"]
    assert names(route(by, tools=[TOOL])) == ["large", "other"]
    assert route(by, tools=[TOOL]).peers == 0


def test_a_fallback_that_the_key_may_not_use_never_stands_in() -> None:
    by = house(SMALL, fallbacks=("big/large", "big/other"))

    assert names(route(by, "m", "big/other", tools=[TOOL])) == ["other"]
    assert names(route(by, "m", tools=[TOOL])) == ["small"]


def test_where_nobody_can_serve_it_the_provider_says_so_itself() -> None:
    assert names(route(house(SMALL), tools=[TOOL])) == ["small"]


def test_json_is_wanted_in_every_dialects_words() -> None:
    assert wants_json(request("m", kind="responses", text={"format": {"type": "json_schema"}}))
    assert wants_json(request("m", kind="messages", output_config={"format": {"type": "json_schema"}}))
    assert not wants_json(request("m", text="json", response_format="json_object"))


def test_the_size_of_a_prompt_counts_with_its_tools() -> None:
    alone = least_tokens(request("m"))

    assert least_tokens(request("m", tools=[TOOL] * 100)) > alone + 1000
    assert least_tokens(request("m", max_tokens="many")) == alone
